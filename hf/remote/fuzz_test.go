package remote

import (
	"errors"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"searchd/hf"
	"searchd/internal/sse"
)

func FuzzSSE(f *testing.F) {
	for _, seed := range []string{
		"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\ndata: [DONE]\n\n",
		"data:{\"token\":{\"text\":\"a\"},\"generated_text\":\"a\",\"details\":{\"finish_reason\":\"length\"}}\r\n\r\n",
		": x\n\ndata: {\"error\":{\"message\":\"x\",\"http_status_code\":500}}\n\n", "data: a\ndata: b", "\uFEFFdata\n\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e := sse.New(strings.NewReader(text), 1<<16)
		p := &Provider{}
		for events, size := 0, 0; ; events++ {
			event, err := e.Next()
			data := event.Data
			if err == io.EOF || errors.Is(err, sse.ErrTooLong) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if size += len(data); size > len(text) || events > len(text) {
				t.Fatalf("%d bytes of events in a stream of %d", size, len(text))
			}
			for _, decode := range []func([]byte, *pieces) error{decodeChoice, decodeToken} {
				s := &pieces{emit: func(d hf.Delta) bool { return d.Text != "" }}
				if err := decode(data, s); err != nil {
					checkFault(t, p.badAnswer(answer{status: 200, body: data}, err))
				}
			}
		}
	})
}

func checkFault(t *testing.T, err error) {
	t.Helper()
	var call *hf.CallError
	if !errors.As(err, &call) || call.Fault == "" || len(call.Message) > maxMessage || !utf8.ValidString(call.Message) {
		t.Errorf("%#v", err)
	}
	if call.RetryAfter < 0 || call.RetryAfter > maxWait {
		t.Errorf("wait %v", call.RetryAfter)
	}
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{
		`[[1,2],[3,4]]`, `[1,-2.5e3]`, `[[[1,2],[3,4]],[[5,6]]]`, `{"embeddings":[[1],[2]]}`, `[[{"label":"a","score":0.5}]]`, `[{"summary_text":"x"}]`,
		`{"data":[{"index":0,"embedding":"AACAPw=="},{"index":1,"embedding":[1]}],"model":"m","usage":{"prompt_tokens":1}}`,
		`{"choices":[{"message":{"content":[{"text":"x"}]},"finish_reason":"stop"}]}`, `{"error":["a",{"msg":"b"}]}`, `<html><title>x</title>`,
		`{"generated_text":"x","details":{"finish_reason":"eos_token","generated_tokens":1}}`, `{"error":"x","estimated_time":1e308}`, `[null]`,
		`[{"index":1,"score":0.5},{"index":0,"score":-1}]`, `{"results":[{"index":0,"relevance_score":1e300}],"model":"m"}`, `[[`,
	} {
		f.Add([]byte(seed), 2, 503)
	}
	p := &Provider{key: "k"}
	f.Fuzz(func(t *testing.T, body []byte, n, status int) {
		n, status = 1+abs(n)%4, 300+abs(status)%300
		checkFault(t, p.failure(status, http.Header{"Retry-After": {string(body[:min(len(body), 40)])}}, body))
		c := hf.Call{Inputs: make([]string, n)}
		for _, read := range []func(answer) (hf.Reply, error){
			readEmbeddings(c), readOpenAIEmbeddings(n), readLabels(c), readTexts("summary_text"), readChoices, readGenerated,
			readTEIRanks(n), readOpenAIRanks(n),
		} {
			a := answer{status: 200, body: body}
			reply, err := read(a)
			if err != nil {
				checkFault(t, p.badAnswer(a, err))
				continue
			}
			checkReply(t, reply, n)
		}
	})
}

func abs(n int) int { return max(n, -n) & math.MaxInt32 }

func checkReply(t *testing.T, r hf.Reply, n int) {
	t.Helper()
	if r.Vectors != nil && len(r.Vectors) != n || r.Labels != nil && len(r.Labels) != n || r.Scores != nil && len(r.Scores) != n {
		t.Errorf("%d vectors, %d labels and %d scores of %d texts", len(r.Vectors), len(r.Labels), len(r.Scores), n)
	}
	for _, v := range r.Vectors {
		if len(v) == 0 || len(v) != len(r.Vectors[0]) {
			t.Errorf("a vector of %d values", len(v))
		}
		for _, f := range v {
			if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
				t.Errorf("a value is %v", f)
			}
		}
	}
}
