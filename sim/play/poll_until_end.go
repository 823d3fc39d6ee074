package play

import "context"

// pollUntilEnd polls and runs the steps, each at its time, until all pods have ended,
// until has passed, or no further event is due.
func (p *player) pollUntilEnd(ctx context.Context) error {
	env := p.env
	end := p.stepsFrom.Add(env.options.playTime())
	if n := len(p.steps); n > 0 {
		end = end.Add(p.steps[n-1].At.Duration)
	}
	if env.file.Until.Duration > 0 {
		end = p.stepsFrom.Add(env.file.Until.Duration)
	}
	idlePolls, overtime := 0, false // idlePolls are polls in a row after which no event is due
	for !p.finished() {
		moment := p.nextPoll
		if len(p.steps) > 0 {
			if at := p.timeOf(p.steps[0]); at.Before(moment) && p.canHappen(p.steps[0]) {
				moment = at
			}
		}
		if end.Before(moment) && !overtime {
			moment = end
		}
		if err := env.clock.waitUntil(ctx, moment); err != nil {
			return err
		}
		if !p.nextPoll.After(moment) {
			p.poll(ctx)
			idlePolls++
		}
		for len(p.steps) > 0 && !p.timeOf(p.steps[0]).After(moment) && p.canHappen(p.steps[0]) {
			step := p.steps[0]
			p.steps, idlePolls = p.steps[1:], 0
			p.runStep(ctx, step)
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := env.unanswered.err(); err != nil {
			return err
		}
		if p.unplayable != nil {
			return p.unplayable
		}
		switch {
		case !end.After(moment):
			if env.nodes != nil || env.file.Until.Duration == 0 || p.complete() || moment.After(end.Add(env.options.lateness())) {
				return nil
			}
			overtime = true
		case !env.clock.noEventsLeft():
			idlePolls = 0
		case idlePolls > 2 && len(p.steps) == 0 && env.file.Until.Duration == 0:
			return nil
		}
	}
	return nil
}

// finished reports whether all steps have happened and all pods have ended.
func (p *player) finished() bool {
	if len(p.steps) > 0 {
		return false
	}
	for _, key := range p.env.keys {
		if !p.ended(key) {
			return false
		}
	}
	return true
}
