package hftest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
)

func TestConformance(t *testing.T) {
	hftest.RunEmbedder(t, func() hf.Model { return hftest.NewModel(hftest.Options{}) })
}

func TestConformanceOfASmallModel(t *testing.T) {
	hftest.RunEmbedder(t, func() hf.Model {
		return hftest.NewModel(hftest.Options{Dimensions: 8, MaxTokens: 40})
	})
}

func TestSharedWordsAreNear(t *testing.T) {
	m := hftest.NewModel(hftest.Options{})
	got, err := m.Embed(t.Context(), hf.Query, []string{"the red boat", "The boat, red", "quarterly tax return"})
	if err != nil {
		t.Fatal(err)
	}
	near, far := dot(got[0].Vector, got[1].Vector), dot(got[0].Vector, got[2].Vector)
	if near < 0.6 || far > 0.6 {
		t.Errorf("cosine %.2f of texts with the same words, %.2f of texts with none in common", near, far)
	}
}

func TestFailAndEmbedded(t *testing.T) {
	m, broken := hftest.NewModel(hftest.Options{}), errors.New("broken")
	m.Fail(broken)
	if _, err := m.Embed(t.Context(), hf.Query, []string{"lost"}); !errors.Is(err, broken) {
		t.Fatalf("got %v, want the failure", err)
	}
	m.Fail(nil)
	if _, err := m.Embed(t.Context(), hf.Query, []string{"kept"}); err != nil {
		t.Fatal(err)
	}
	if got := m.Embedded(); !slices.Equal(got, []string{"kept"}) {
		t.Fatalf("embedded %q", got)
	}
}

func TestHoldEndsWithTheContextOrRelease(t *testing.T) {
	m := hftest.NewModel(hftest.Options{})
	entered, release := m.Hold(1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	if _, err := m.Embed(ctx, hf.Query, []string{"passes"}); err != nil {
		t.Fatal(err)
	}
	go func() { _, err := m.Embed(ctx, hf.Query, []string{"a"}); done <- err }()
	<-entered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	go func() { _, err := m.Embed(t.Context(), hf.Query, []string{"a"}); done <- err }()
	release()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestSet(t *testing.T) {
	a, b := hftest.NewModel(hftest.Options{}), hftest.NewModel(hftest.Options{ID: "test/other"})
	set := hftest.Set{a, b}
	for id, want := range map[string]hf.Model{"": a, "test/hash": a, "test/other": b, "test/none": nil} {
		if got, err := set.Model(id); (err == nil) != (want != nil) || err == nil && got != want {
			t.Errorf("model %q: %v, %v", id, got, err)
		}
	}
	if cards := set.Cards(); len(cards) != 2 || cards[1].ID != "test/other" {
		t.Errorf("cards %+v", cards)
	}
}

func dot(a, b []float32) (sum float32) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}
