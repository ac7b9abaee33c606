package remote

import (
	"testing"

	"searchd/hf"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestVectors(t *testing.T) {
	for _, test := range []struct {
		name, body string
		n          int
		want       [][]float32
		fault      hf.Fault
	}{
		{"one deep", `[1, -2.5e0]`, 1, [][]float32{{1, -2.5}}, ""},
		{"one deep, two texts", `[1,2]`, 2, nil, hf.FaultUnreadable},
		{"two deep", ` [[1,2],[3,4]] `, 2, [][]float32{{1, 2}, {3, 4}}, ""},
		{"too few", `[[1,2]]`, 2, nil, hf.FaultUnreadable},
		{"too many", `[[1],[2],[3]]`, 2, nil, hf.FaultUnreadable},
		{"tokens without a list of texts", `[[1],[2],[3]]`, 1, nil, hf.FaultUnreadable},
		{"three deep", `[[[1,2],[3,4]],[[5,6]]]`, 2, [][]float32{{2, 3}, {5, 6}}, ""},
		{"no tokens", `[[[1]],[]]`, 2, nil, hf.FaultUnreadable},
		{"uneven tokens", `[[[1],[1,2]]]`, 1, nil, hf.FaultUnreadable},
		{"uneven texts", `[[1],[1,2]]`, 2, nil, hf.FaultUnreadable},
		{"four deep", `[[[[1]]]]`, 1, nil, hf.FaultUnreadable},
		{"empty", `[]`, 1, nil, hf.FaultUnreadable},
		{"empty vector", `[[]]`, 1, nil, hf.FaultUnreadable},
		{"null", `[[1,null]]`, 1, nil, hf.FaultUnreadable},
		{"too large a number", `[[1e99]]`, 1, nil, hf.FaultUnreadable},
		{"no number", `[[1.2.3]]`, 1, nil, hf.FaultUnreadable},
		{"more after it", `[[1]] [`, 1, nil, hf.FaultUnreadable},
		{"half", `[[1,2],[3`, 2, nil, hf.FaultConnection},
		{"nothing", ``, 1, nil, hf.FaultConnection},
		{"in an object", `{"embeddings":[[1],[2]]}`, 2, [][]float32{{1}, {2}}, ""},
		{"another object", `{"scores":[1]}`, 1, nil, hf.FaultUnreadable},
	} {
		got, err := parseVectors([]byte(test.body), test.n)
		if err != nil {
			err = (&Provider{}).badAnswer(answer{status: 200, body: []byte(test.body)}, err)
		}
		if diff := gocmp.Diff(test.want, got); diff != "" || faultIn(err) != test.fault {
			t.Errorf("%s: %v, want %q; %s", test.name, err, test.fault, diff)
		}
	}
}

// TestTooManyVectorsAreNotRead holds that memory is taken for the texts that were asked for and no more.
func TestTooManyVectorsAreNotRead(t *testing.T) {
	s := &scanner{text: []byte(`[[1],[2],[3],[4]]`)}
	if all, err := s.vectors(2); err == nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
}

func TestOpenAIVectors(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       [][]float32
		fault      hf.Fault
	}{
		{"numbers", `{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}`, [][]float32{{1}, {2}}, ""},
		{"base64", `{"data":[{"index":0,"embedding":"AACAPw=="},{"index":1,"embedding":"AAAAwA=="}]}`, [][]float32{{1}, {-2}}, ""},
		{"no index", `{"data":[{"embedding":[1]},{"embedding":[2]}]}`, [][]float32{{1}, {2}}, ""},
		{"index twice", `{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[2]}]}`, nil, hf.FaultUnreadable},
		{"index too large", `{"data":[{"index":0,"embedding":[1]},{"index":2,"embedding":[2]}]}`, nil, hf.FaultUnreadable},
		{"missing", `{"data":[{"index":0,"embedding":[1]},{"index":1}]}`, nil, hf.FaultUnreadable},
		{"not base64", `{"data":[{"index":0,"embedding":"?"},{"index":1,"embedding":"?"}]}`, nil, hf.FaultUnreadable},
		{"half a value", `{"data":[{"index":0,"embedding":"AACA"},{"index":1,"embedding":"AACA"}]}`, nil, hf.FaultUnreadable},
		{"not a number", `{"data":[{"index":0,"embedding":"AADAfw=="},{"index":1,"embedding":"AADAfw=="}]}`, nil, hf.FaultUnreadable},
		{"half", `{"data":[{"index":0,"emb`, nil, hf.FaultConnection},
	} {
		a := answer{status: 200, body: []byte(test.body)}
		got, err := readOpenAIEmbeddings(2)(a)
		if err != nil {
			got, err = hf.Reply{}, (&Provider{}).badAnswer(a, err)
		}
		if diff := gocmp.Diff(test.want, got.Vectors); diff != "" || faultIn(err) != test.fault {
			t.Errorf("%s: %v, want %q; %s", test.name, err, test.fault, diff)
		}
	}
}

func TestLabels(t *testing.T) {
	const a, b = `{"label":"a","score":0.2}`, `{"label":"b","score":0.8}`
	sorted := []hf.Label{{Name: "b", Score: 0.8}, {Name: "a", Score: 0.2}}
	for _, test := range []struct {
		name, body string
		n          int
		want       [][]hf.Label
	}{
		{"a list of lists", "[[" + a + "," + b + "]]", 1, [][]hf.Label{sorted}},
		{"a flat list", "[" + a + "," + b + "]", 1, [][]hf.Label{sorted}},
		{"a flat list of a pair", "[" + a + "," + b + "]", 2, nil},
		{"two", "[[" + a + "," + b + "],[" + a + "]]", 2, [][]hf.Label{sorted, sorted[1:]}},
		{"too few", "[[" + a + "]]", 2, nil},
		{"no label", "[[]]", 1, nil},
		{"no score", `[[{"label":"a"}]]`, 1, nil},
		{"no list", a, 1, nil},
		{"null", `[null]`, 1, nil},
	} {
		got, err := parseLabels([]byte(test.body), test.n)
		if diff := gocmp.Diff(test.want, got); diff != "" || (err == nil) != (test.want != nil) {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
}

func TestTexts(t *testing.T) {
	for body, want := range map[string]string{
		`[{"summary_text":"x"}]`: "x", `{"summary_text":"x"}`: "x", `[{"summary_text":""}]`: "",
		`[]`: "error", `[{"text":"x"}]`: "error", `[{"summary_text":null}]`: "error", `[{"summary_text":"x"},{"summary_text":"y"}]`: "error", `"x"`: "error",
	} {
		got, err := parseText([]byte(body), "summary_text")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestChoices(t *testing.T) {
	for body, want := range map[string]string{
		`{"choices":[{"message":{"content":"x"}}]}`:                                       "x",
		`{"choices":[{"message":{"content":null}}]}`:                                      "",
		`{"choices":[{"message":{"content":[{"type":"text","text":"x"},{"text":"y"}]}}]}`: "xy",
		`{"choices":[{"text":"x"}]}`:                                                      "x",
		`{"choices":[]}`:                                                                  "error",
		`{"choices":[{}]}`:                                                                "error",
		`{"error":"x"}`:                                                                   "error",
	} {
		got, err := readChoices(answer{body: []byte(body)})
		text := "error"
		if err == nil {
			text = got.Texts[0]
		}
		if text != want {
			t.Errorf("%s: %q, want %q", body, text, want)
		}
	}
}
