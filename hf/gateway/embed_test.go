package gateway

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"searchd/hf"
)

// embedder makes a vector of the length of a text and a mark of its own.
func embedder(mark float32) *fake {
	return &fake{do: func(_ context.Context, _ int, c hf.Call) (hf.Reply, error) {
		r := hf.Reply{Model: fmt.Sprint("real ", mark), Usage: hf.Usage{PromptTokens: len(c.Inputs)}}
		for _, text := range c.Inputs {
			r.Vectors = append(r.Vectors, []float32{float32(len(text)), mark})
		}
		return r, nil
	}}
}

func embed(texts []string, providers ...hf.Provider) Request {
	return Request{Call: hf.Call{Task: hf.FeatureExtraction, Inputs: texts}, Targets: route(providers...), UseCache: true}
}

// lengths makes texts of the given lengths.
func lengths(list ...int) []string {
	var texts []string
	for _, n := range list {
		texts = append(texts, fmt.Sprintf("%0*d", n, 0))
	}
	return texts
}

func checkVectors(t *testing.T, res Result, texts []string, mark float32) {
	t.Helper()
	if len(res.Vectors) != len(texts) {
		t.Fatalf("%d vectors for %d texts", len(res.Vectors), len(texts))
	}
	for i, text := range texts {
		if want := []float32{float32(len(text)), mark}; !slices.Equal(res.Vectors[i], want) {
			t.Errorf("vector %d is %v, want %v", i, res.Vectors[i], want)
		}
	}
}

func (f *fake) batches() []int {
	var sizes []int
	for _, c := range f.calls {
		sizes = append(sizes, len(c.Inputs))
	}
	slices.Sort(sizes)
	return sizes
}

func TestEmbeddingsGoUpstreamInBatchesAndComeBackInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := embedder(1), open(t, Options{})
		var texts []string
		for i := range 100 {
			texts = append(texts, lengths(1+(i*37)%100)...)
		}
		res := mustDo(t, g, embed(texts, p))
		checkVectors(t, res, texts, 1)
		if diff := cmp.Diff([]int{4, 32, 32, 32}, p.batches()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		if res.Attempts != 4 || res.Usage.PromptTokens != 100 || res.Model != "real 1" {
			t.Errorf("got %d attempts, %d tokens, model %q", res.Attempts, res.Usage.PromptTokens, res.Model)
		}
	})
}

func TestOnlyTheMissingTextsAreSentEachOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := embedder(1), open(t, Options{})
		mustDo(t, g, embed(lengths(1, 2, 3), p))
		texts := lengths(5, 2, 5, 1, 4, 5, 2)
		r := embed(texts, p)
		r.Targets[0].Tier = Tier{USD: 1, PerCharacters: 1}
		res := mustDo(t, g, r)
		checkVectors(t, res, texts, 1)
		if diff := cmp.Diff(lengths(5, 4), p.calls[1].Inputs); diff != "" || p.count() != 2 {
			t.Errorf("sent (-want +got):\n%s", diff)
		}
		if res.FromCache || res.EstimatedCostUSD != 9 {
			t.Errorf("cost %v, want that of the 9 characters sent; from cache: %v", res.EstimatedCostUSD, res.FromCache)
		}
		res = mustDo(t, g, embed(texts, p))
		checkVectors(t, res, texts, 1)
		if !res.FromCache || res.Attempts != 0 || p.count() != 2 || res.Model != "real 1" {
			t.Errorf("cached texts were sent again: %+v", res)
		}
		res.Vectors[0][0] = 99
		checkVectors(t, mustDo(t, g, embed(texts, p)), texts, 1)
		time.Sleep(601 * time.Second)
		if mustDo(t, g, embed(texts, p)).FromCache {
			t.Error("vectors are cached for more than ten minutes")
		}
	})
}

func TestEmbeddingsWithoutTheCacheAreStillBatchedAndSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, g := embedder(1), open(t, Options{EmbeddingBatch: 2})
		texts := lengths(1, 2, 3, 1, 1)
		for range 2 {
			r := embed(texts, p)
			r.UseCache = false
			checkVectors(t, mustDo(t, g, r), texts, 1)
		}
		if diff := cmp.Diff([]int{1, 1, 2, 2}, p.batches()); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
	})
}

func TestVectorsOfTwoModelsAreNeverMixed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := embedder(1)
		first := &fake{do: func(ctx context.Context, n int, c hf.Call) (hf.Reply, error) {
			if slices.Contains(c.Inputs, "0000000") {
				time.Sleep(time.Second)
				return hf.Reply{}, fault(hf.FaultCredits)
			}
			return good.Do(ctx, c)
		}}
		second, g := embedder(2), open(t, Options{EmbeddingBatch: 2})
		texts := lengths(1, 2, 3, 4, 5, 6, 7, 8)
		r := embed(texts, first, second)
		r.Targets[0].Tier = Tier{USD: 1, PerCharacters: 1}
		res := mustDo(t, g, r)
		checkVectors(t, res, texts, 2)
		if res.Provider != "p1" || res.Model != "real 2" {
			t.Errorf("answered by %s, %s", res.Provider, res.Model)
		}
		if want := 1.0 + 2 + 3 + 4 + 5 + 6; res.EstimatedCostUSD != want {
			t.Errorf("cost %v, want %v: what the primary answered before it failed is billed", res.EstimatedCostUSD, want)
		}
	})
}

func TestABatchIsRetriedOnItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good := embedder(1)
		p := &fake{do: func(ctx context.Context, n int, c hf.Call) (hf.Reply, error) {
			if n == 1 {
				return hf.Reply{}, fault(hf.FaultServer)
			}
			return good.Do(ctx, c)
		}}
		res := mustDo(t, open(t, Options{EmbeddingBatch: 1}), embed(lengths(1, 2, 3), p))
		checkVectors(t, res, lengths(1, 2, 3), 1)
		if p.count() != 4 || res.Attempts != 4 {
			t.Errorf("%d calls, reported as %d; want 4", p.count(), res.Attempts)
		}
	})
}

func TestAWrongNumberOfVectorsIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := &fake{do: func(context.Context, int, hf.Call) (hf.Reply, error) { return hf.Reply{Vectors: [][]float32{{1}}}, nil }}
		g := open(t, Options{})
		mustFail(t, g, embed(lengths(1, 2), short), hf.FaultUnreadable)
		mustFail(t, g, embed(nil, short), hf.FaultInvalid)
	})
}
