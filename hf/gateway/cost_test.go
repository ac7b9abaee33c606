package gateway

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"searchd/hf"
)

type recorder struct {
	mu   sync.Mutex
	list []Record
}

func (r *recorder) Record(_ context.Context, one Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
}

func (r *recorder) all() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

func TestEstimate(t *testing.T) {
	free, pro, perUse := Tiers()[0], Tiers()[1], Tiers()[2]
	for _, c := range []struct {
		tier       Tier
		characters int
		want       float64
	}{
		{Tier{}, 1_000_000, 0},
		{free, 0, 0},
		{free, 30_000, 0},
		{pro, 0, 0},
		{pro, 1_000_000, 9},
		{pro, 500_000, 4.5},
		{pro, 1_000, 0.009}, // 1,000 × 9 ÷ 1,000,000
		{perUse, 1, 0.000_000_6},
		{perUse, 10_000, 0.006}, // 10,000 × 0.60 ÷ 1,000,000
		{perUse, 1_000_000, 0.6},
		{perUse, 2_500_000, 1.5},
	} {
		if got := Estimate(c.tier, c.characters); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%d characters at %q cost %v, want %v", c.characters, c.tier.Name, got, c.want)
		}
	}
	if free.MonthlyCharacters != 30_000 || pro.MonthlyCharacters != 1_000_000 || perUse.MonthlyCharacters != 0 {
		t.Error("what a month includes is wrong")
	}
}

func TestEachRequestIsRecordedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &recorder{}
		g := open(t, Options{Recorder: log})
		p := outcomes(fault(hf.FaultServer), nil, fault(hf.FaultKey))
		say := p.do
		p.do = func(ctx context.Context, n int, c hf.Call) (hf.Reply, error) {
			reply, err := say(ctx, n, c)
			reply.Usage = hf.Usage{PromptTokens: 3, CompletionTokens: 2}
			return reply, err
		}
		r := ask("héllo", p)
		r.Targets[0].Type, r.Targets[0].Tier = "huggingface", Tiers()[2]
		mustDo(t, g, r)
		mustDo(t, g, r)
		r.UseCache = false
		mustFail(t, g, r, hf.FaultKey)
		base := Record{Provider: "p0", Type: "huggingface", Model: "m0", Task: hf.TextGeneration, PromptCharacters: 5}
		answered := base
		answered.Attempts, answered.CompletionCharacters, answered.Usage = 2, 8, hf.Usage{PromptTokens: 3, CompletionTokens: 2}
		answered.EstimatedCostUSD, answered.Took = Estimate(Tiers()[2], 5+8), 2*time.Second
		cached := answered
		cached.Attempts, cached.EstimatedCostUSD, cached.Took, cached.FromCache = 0, 0, 0, true
		failed := base
		failed.Attempts, failed.Fault = 1, hf.FaultKey
		if diff := cmp.Diff([]Record{answered, cached, failed}, log.all(), cmpopts.IgnoreFields(Record{}, "Time")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		if !log.all()[0].Time.Equal(time.Now()) {
			t.Error("a record has no time")
		}
	})
}

// A record must stay free of what was asked and answered. Names may be in it, and nothing that is more.
func TestARecordHoldsNoText(t *testing.T) {
	for f := range reflect.TypeFor[Record]().Fields() {
		switch f.Type.Kind() {
		case reflect.String:
			if !slices.Contains([]string{"Provider", "Type", "Model", "Task", "Fault"}, f.Name) {
				t.Errorf("Record.%s may hold text", f.Name)
			}
		case reflect.Slice, reflect.Map, reflect.Pointer, reflect.Interface:
			t.Errorf("Record.%s may hold text", f.Name)
		}
	}
}

type budget func(Spend) error

func (b budget) Allow(_ context.Context, s Spend) error { return b(s) }

func TestTheBudgetIsAskedBeforeEachCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []Spend
		used := errors.New("the budget of 1 USD a month is used up; raise it with budget set")
		p, local, cost := outcomes(fault(hf.FaultServer)), outcomes(nil), Estimate(Tiers()[2], 5)
		g := open(t, Options{Budget: budget(func(s Spend) error {
			asked = append(asked, s)
			if len(asked) == 2 {
				return used
			}
			return nil
		})})
		r := ask("hello", p, local)
		r.Targets[0].Tier = Tiers()[2]
		res := mustDo(t, g, r)
		want := []Spend{
			{Provider: "p0", Model: "m0", Task: hf.TextGeneration, Tier: Tiers()[2], Characters: 5, EstimatedCostUSD: cost},
			{Provider: "p0", Model: "m0", Task: hf.TextGeneration, Tier: Tiers()[2], Characters: 5, EstimatedCostUSD: cost},
			{Provider: "p1", Model: "m1", Task: hf.TextGeneration, Characters: 5},
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if res.Provider != "p1" || p.count() != 1 || res.Attempts != 2 || len(res.Trace) != 3 {
			t.Errorf("%s answered after %d calls of the primary; trace %+v", res.Provider, p.count(), res.Trace)
		}
	})
}

func TestAUsedUpBudgetIsAClearError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		used := errors.New("the budget is used up")
		p, g := outcomes(nil), open(t, Options{Budget: budget(func(Spend) error { return used })})
		e := mustFail(t, g, ask("hello", p), FaultBudget)
		if p.count() != 0 || e.Message != "the budget is used up" || !errors.Is(e, used) {
			t.Errorf("%d calls upstream, and %v", p.count(), e)
		}
		for _, err := range g.Stream(t.Context(), ask("hello", p)) {
			if faultIn(err) != FaultBudget || p.count() != 0 {
				t.Errorf("a stream got %v", err)
			}
		}
	})
}

func TestACachedAnswerNeedsNoBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := 1
		p, g := outcomes(nil), open(t, Options{Budget: budget(func(Spend) error {
			if left--; left < 0 {
				return errors.New("used up")
			}
			return nil
		})})
		mustDo(t, g, ask("hello", p))
		if !mustDo(t, g, ask("hello", p)).FromCache {
			t.Error("not cached")
		}
		mustFail(t, g, ask("other", p), FaultBudget)
	})
}

// A target that names no model has the one of the reply on record, and the result says which target answered.
func TestTheReplyNamesTheModel(t *testing.T) {
	log := &recorder{}
	g := open(t, Options{Recorder: log, Attempts: 1})
	req := fresh("a", outcomes(fault(hf.FaultServer)), outcomes(nil))
	req.Targets[1].Model = ""
	if res := mustDo(t, g, req); res.Target != 1 || res.Model != "m" || log.all()[0].Model != "m" || log.all()[0].Provider != "p1" {
		t.Errorf("result %+v, record %+v", res, log.all())
	}
}
