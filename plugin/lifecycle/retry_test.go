package lifecycle

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/interlink-hq/interlink-kubernetes-plugin/plugin/errdefs"
)

// A refusal that passes by itself is repeated, and one that lasts is final, with its words.
func TestRefusalForNowIsFinalAfterItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := errdefs.New(errdefs.NotYet, "status unknown for quota: q")
		ctx, start, last := withNotYetBudget(t.Context()), time.Now(), time.Time{}
		err := retry(ctx, func(context.Context) error {
			last = time.Now()
			return refusal
		})
		if !errdefs.Is(err, errdefs.Refused) || !errors.Is(err, refusal) {
			t.Errorf("retry returned %v (%s)", err, errdefs.KindOf(err))
		}
		if took := last.Sub(start); took < notYetBudget || took > notYetBudget+10*time.Second {
			t.Errorf("the last try came after %s, want soon after %s", took, notYetBudget)
		}

		// The steps of one create share the budget.
		tries := 0
		err = retry(ctx, func(context.Context) error { tries++; return refusal })
		if !errdefs.Is(err, errdefs.Refused) || tries != 1 {
			t.Errorf("the next step returned %v after %d tries", err, tries)
		}
		// Another create has its own budget.
		tries = 0
		err = retry(withNotYetBudget(t.Context()), func(context.Context) error {
			if tries++; tries < 3 {
				return refusal
			}
			return nil
		})
		if err != nil || tries != 3 {
			t.Errorf("another create returned %v after %d tries", err, tries)
		}
	})
}

// The budget counts from the first refusal, not from the begin of the create.
func TestBudgetBeginsWithTheFirstRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := withNotYetBudget(t.Context())
		time.Sleep(2 * notYetBudget)
		tries := 0
		err := retry(ctx, func(context.Context) error {
			if tries++; tries == 1 {
				return errdefs.New(errdefs.NotYet, "later")
			}
			return nil
		})
		if err != nil || tries != 2 {
			t.Errorf("retry returned %v after %d tries", err, tries)
		}
	})
}
