package main

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/fixtures/scenarios"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/play"
	"github.com/interlink-hq/interlink-kubernetes-plugin/sim/scenario"
)

// allScenarios reads the scenarios of paths, or the embedded ones if there is no path.
func allScenarios(paths []string) ([]*scenario.File, error) {
	if len(paths) > 0 {
		return scenario.ReadAll(paths...)
	}
	entries, err := scenarios.Files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var files []*scenario.File
	for _, entry := range entries {
		text, err := scenarios.Files.ReadFile(entry.Name())
		if err != nil {
			return nil, err
		}
		file, err := scenario.Parse(path.Join(scenarios.Folder, entry.Name()), text)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

// chosenLevels returns the levels of --level, or those that can judge the plugin: this
// plugin's own level is for this plugin alone.
func (f *replayFlags) chosenLevels() ([]scenario.Level, error) {
	var levels []scenario.Level
	for _, name := range f.levels {
		level := scenario.Level(name)
		if !slices.Contains(scenario.Levels, level) {
			return nil, invalidf("--level %s: want %s", name, join(scenario.Levels))
		}
		levels = append(levels, level)
	}
	switch {
	case len(levels) > 0 || f.plugin == "":
		return levels, nil
	case f.kubeconfig == "":
		return []scenario.Level{scenario.LevelCore, scenario.LevelOptional}, nil
	}
	return []scenario.Level{scenario.LevelCore, scenario.LevelOptional, scenario.LevelKubernetes}, nil
}

// choose returns the scenarios of the levels whose names match --run.
func (f *replayFlags) choose(all []*scenario.File, levels []scenario.Level) ([]*scenario.File, error) {
	pattern, err := regexp.Compile(f.run)
	if err != nil {
		return nil, invalidf("--run: %w", err)
	}
	var files []*scenario.File
	for _, file := range all {
		level := cmp.Or(file.Level, scenario.LevelThisPlugin)
		if pattern.MatchString(file.Name) && (len(levels) == 0 || slices.Contains(levels, level)) {
			files = append(files, file)
		}
	}
	if len(files) > 0 {
		return files, nil
	}
	if len(levels) > 0 {
		return nil, invalidf("none of the %d scenarios matches --run %q and has the level %s; --level chooses others: %s", len(all), f.run, join(levels), join(scenario.Levels))
	}
	return nil, invalidf("none of the %d scenarios matches --run %q", len(all), f.run)
}

func join(levels []scenario.Level) string {
	var names []string
	for _, level := range levels {
		names = append(names, string(level))
	}
	return strings.Join(names, ", ")
}

// list prints what would be played, and how long it takes.
func list(w io.Writer, schedule *play.Schedule) error {
	var text strings.Builder
	width := 0
	for _, p := range schedule.Scenarios {
		width = max(width, len(p.File.Name))
	}
	played := 0
	for _, p := range schedule.Scenarios {
		about := "-"
		if p.Skipped == "" {
			played++
			about = timeOf(p.About)
		}
		line := fmt.Sprintf("%-12s %8s  %-*s  %s", cmp.Or(p.File.Level, scenario.LevelThisPlugin), about, width, p.File.Name, skipped(p))
		text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, _ = fmt.Fprintf(&text, "%d of %d scenarios are played, %d at the same time.\n", played, len(schedule.Scenarios), schedule.Parallel)
	if schedule.About > 0 {
		_, _ = fmt.Fprintf(&text, "About %s, if containers start within 1 s and run as long as they should; 10 s of each scenario are for the\n"+
			"last poll, the logs and the delete. The slack of a profile is in it.\n"+
			"At most %s, if no pod ends: each scenario then waits for --patience, and ends after --timeout.\n", timeOf(schedule.About), timeOf(schedule.AtMost))
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func skipped(p play.Preview) string {
	if p.Skipped == "" {
		return ""
	}
	return "skipped: " + p.Skipped
}

// timeOf formats a time to the second; no time where none passes.
func timeOf(d time.Duration) string {
	if d == 0 {
		return "no time"
	}
	text := d.Round(time.Second).String()
	if short, found := strings.CutSuffix(text, "m0s"); found {
		text = short + "m"
	}
	return text
}
