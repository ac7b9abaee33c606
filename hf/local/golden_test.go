package local_test

import (
	"bufio"
	"encoding/json"
	"math"
	"os"
	"sync"
	"testing"

	"searchd/hf"
	"searchd/hf/bundled"
	"searchd/hf/encoder"
	"searchd/hf/local"
	"searchd/hf/safetensors"
	"searchd/internal/simd"
)

const fixtures = "../../fixtures/encoder/"

// golden is a text with the vector and the number of tokens that the reference gives it.
type golden struct {
	text   string
	vector []float32
	tokens int
}

var goldens = sync.OnceValues(func() ([]golden, error) {
	f, err := os.Open(fixtures + "texts.jsonl")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only
	vectors, err := column("vectors")
	if err != nil {
		return nil, err
	}
	tokens, err := column("tokens")
	if err != nil {
		return nil, err
	}
	d := len(vectors) / len(tokens)
	var list []golden
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var line struct{ Text string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, err
		}
		i := len(list)
		list = append(list, golden{line.Text, vectors[i*d : (i+1)*d], int(tokens[i])})
	}
	return list, nil
})

func column(name string) ([]float32, error) {
	file, err := safetensors.Open(fixtures + "vectors.safetensors")
	if err != nil {
		return nil, err
	}
	tensor, err := file.Tensor(name)
	if err != nil {
		return nil, err
	}
	return tensor.Float32s(nil)
}

func loadGoldens(t testing.TB) ([]golden, []string) {
	t.Helper()
	list, err := goldens()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, g := range list {
		texts = append(texts, g.text)
	}
	return list, texts
}

func openBundled(t testing.TB, o local.Options) *local.Embedder {
	t.Helper()
	e, err := bundled.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func embed(t testing.TB, e *local.Embedder, texts ...string) []hf.Embedding {
	t.Helper()
	answers, err := e.Embed(t.Context(), hf.Document, texts)
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != len(texts) {
		t.Fatalf("%d answers to %d texts", len(answers), len(texts))
	}
	return answers
}

func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i, x := range a {
		ab += float64(x) * float64(b[i])
		aa += float64(x) * float64(x)
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// quick leaves out most long texts: without assembly they would take two minutes. SEARCHD_ALL_GOLDENS=1 runs them all.
func quick(list []golden) (some []golden, texts []string) {
	for i, g := range list {
		if g.tokens <= 16 || i%32 == 0 {
			some, texts = append(some, g), append(texts, g.text)
		}
	}
	return some, texts
}

// The bundled model agrees with the reference implementation in float32, for every text and with every implementation of
// the kernels, whatever it multiplies in.
func TestGoldens(t *testing.T) {
	if testing.Short() {
		t.Skip("embeds 416 texts with each implementation")
	}
	all, _ := loadGoldens(t)
	if len(all) < 400 {
		t.Fatalf("only %d texts", len(all))
	}
	for _, level := range append(simd.Levels(), simd.LevelGoBFloat16) {
		t.Run(level, func(t *testing.T) { testGoldens(t, all, level, "") })
		if level == simd.LevelGoBFloat16 || level == simd.LevelAMX { // where integers are those of the levels below
			continue
		}
		for _, arithmetic := range []string{encoder.Int16, encoder.Int8} {
			t.Run(level+"-"+arithmetic, func(t *testing.T) { testGoldens(t, all, level, arithmetic) })
		}
	}
}

// testGoldens asks for the cosine to the reference that is promised.
func testGoldens(t *testing.T, all []golden, level, arithmetic string) {
	const each, mean = 0.999, 0.9995
	list, texts := all, []string(nil)
	if (level == simd.LevelGo || level == simd.LevelGoBFloat16) && os.Getenv("SEARCHD_ALL_GOLDENS") == "" {
		list, _ = quick(list)
	}
	for _, g := range list {
		texts = append(texts, g.text)
	}
	restore, err := simd.SetLevel(level)
	if err != nil {
		t.Fatal(err)
	}
	defer restore()
	e := openBundled(t, local.Options{Arithmetic: arithmetic}) // packed for the level
	lowest, sum := 1.0, 0.0
	for i, answer := range embed(t, e, texts...) {
		c := cosine(answer.Vector, list[i].vector)
		lowest, sum = min(lowest, c), sum+c
		if !(c >= each) || answer.Tokens != list[i].tokens {
			t.Errorf("%.60q: cosine %.6f with %d tokens; the reference has %d", texts[i], c, answer.Tokens, list[i].tokens)
		}
	}
	sum /= float64(len(list))
	if !(sum >= mean) {
		t.Errorf("cosine %.6f in the mean", sum)
	}
	t.Logf("%d of %d texts: cosine at least %.6f, %.6f in the mean", len(list), len(all), lowest, sum)
}
