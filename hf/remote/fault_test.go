package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"searchd/hf"
	"searchd/hf/hftest"
)

// faultIn is the fault of an error, and "" where it is no hf.CallError.
func faultIn(err error) hf.Fault {
	var call *hf.CallError
	if !errors.As(err, &call) {
		return ""
	}
	return call.Fault
}

var (
	embedCall = hf.Call{Task: hf.FeatureExtraction, Model: hftest.EmbeddingModel, Inputs: []string{"I love it", "it broke"}}
	labelCall = hf.Call{Task: hf.TextClassification, Model: hftest.ClassifierModel, Inputs: []string{"I love it"}}
	chatCall  = hf.Call{Task: hf.TextGeneration, Model: hftest.ChatModel, Inputs: []string{"one two three"}}
)

// callsOf are calls that a server of the dialect answers.
func callsOf(d hftest.Dialect) []hf.Call {
	switch d {
	case hftest.TEI:
		return []hf.Call{embedCall, labelCall}
	case hftest.TGI:
		return []hf.Call{chatCall}
	case hftest.OpenAI:
		return []hf.Call{embedCall, chatCall}
	}
	return []hf.Call{
		embedCall, labelCall, chatCall,
		{Task: hf.Summarization, Model: hftest.SummaryModel, Inputs: []string{"a b c"}},
		{Task: hf.Translation, Model: hftest.TranslationModel, Inputs: []string{"a"}},
	}
}

var dialects = []hftest.Dialect{hftest.Router, hftest.TEI, hftest.TGI, hftest.OpenAI}

var failures = []struct {
	name    string
	trouble hftest.Trouble
	fault   hf.Fault
	status  int
	after   time.Duration
	message string // a part of it
}{
	{"loading", hftest.Loading(20 * time.Second), hf.FaultLoading, 503, 20 * time.Second, "Model is currently loading"},
	{"rate limit", hftest.RateLimited(7 * time.Second), hf.FaultRateLimit, 429, 7 * time.Second, "We had to rate limit you"},
	{"overload", hftest.RateLimited(0), hf.FaultRateLimit, 429, 0, "We had to rate limit you"},
	{"bad key", hftest.BadKey(), hf.FaultKey, 401, 0, "Invalid credentials"},
	{"no credits", hftest.NoCredits(), hf.FaultCredits, 402, 0, "depleted"},
	{"quota", hftest.Status(429, "application/json", `{"error":{"message":"You exceeded your quota","type":"insufficient_quota","code":"insufficient_quota"}}`), hf.FaultCredits, 429, 0, "You exceeded your quota"},
	{"no permission", hftest.NoPermission(), hf.FaultPermission, 403, 0, "sufficient permissions"},
	{"not found", hftest.NotFound(), hf.FaultNotServed, 404, 0, "Not Found"},
	{"not found, empty", hftest.Status(404, "text/plain", ""), hf.FaultNotServed, 404, 0, "Not Found"},
	{"not supported", hftest.Status(400, "application/json", `{"error":"Model not supported by provider hf-inference"}`), hf.FaultNotServed, 400, 0, "hf-inference"},
	{"wrong model", hftest.Status(424, "application/json", `{"error":"Backend error: Model is not an embedding model","error_type":"Backend"}`), hf.FaultNotServed, 424, 0, "not an embedding"},
	{"backend", hftest.Status(424, "application/json", `{"error":"Request failed during generation","error_type":"generation"}`), hf.FaultServer, 424, 0, "generation"},
	{"retired", hftest.Retired(), hf.FaultRetired, 410, 0, "no longer supported"},
	{"list of errors", hftest.Status(400, "text/plain", `{"error":["top_k: at least 1","max_length: at most 500"]}`), hf.FaultInvalid, 400, 0, "top_k: at least 1; max_length: at most 500"},
	{"flat error", hftest.Status(422, "application/json", `{"message":"Input validation error","code":422,"type":"Validation"}`), hf.FaultInvalid, 422, 0, "Input validation error"},
	{"detail", hftest.Status(422, "application/json", `{"detail":[{"loc":["body"],"msg":"field required"}]}`), hf.FaultInvalid, 422, 0, "field required"},
	{"too large", hftest.Status(413, "text/plain", "Failed to buffer the request body: length limit exceeded"), hf.FaultInvalid, 413, 0, "length limit"},
	{"server", hftest.Broken(500), hf.FaultServer, 500, 0, "unknown error"},
	{"unavailable", hftest.Status(503, "application/json", `{"error":"Service Unavailable"}`), hf.FaultServer, 503, 0, "Service Unavailable"},
	{"bad gateway", hftest.HTML(502), hf.FaultServer, 502, 0, "an HTML page: 502 Bad day"},
	{"gateway timeout", hftest.HTML(504), hf.FaultTimeout, 504, 0, "504"},
	{"html", hftest.HTML(200), hf.FaultUnreadable, 200, 0, "an HTML page: 200 Bad day"},
	{"complaint with 200", hftest.Status(200, "application/json", `{"error":"CUDA out of memory"}`), hf.FaultServer, 200, 0, "CUDA out of memory"},
	{"another protocol", hftest.Status(200, "application/json", `{"result":[1]}`), hf.FaultUnreadable, 200, 0, "not what the protocol says"},
	{"truncated", hftest.Truncated(), hf.FaultConnection, 200, 0, "ends in the middle"},
	{"cut", hftest.Cut(), hf.FaultConnection, 200, 0, "middle of the answer"},
	{"reset", hftest.Reset(), hf.FaultConnection, 0, 0, "no answer from 127.0.0.1"},
	{"moved", hftest.Redirect(302, "/elsewhere"), hf.FaultRetired, 302, 0, "has moved"},
}

func TestFailures(t *testing.T) {
	for _, d := range dialects {
		for _, c := range callsOf(d) {
			s, p := newPair(t, hftest.ServerOptions{Dialect: d})
			for _, test := range failures {
				t.Run(fmt.Sprintf("%s, %s, %s", d, c.Task, test.name), func(t *testing.T) {
					p.client.CloseIdleConnections() // a broken one that was used before is tried twice by net/http
					s.Next(1, test.trouble)
					_, err := p.Do(t.Context(), c)
					var call *hf.CallError
					if !errors.As(err, &call) {
						t.Fatalf("%v is no CallError", err)
					}
					if call.Fault != test.fault || call.Status != test.status || call.RetryAfter != test.after {
						t.Errorf("%s, status %d, after %v; want %s, %d, %v (%v)", call.Fault, call.Status, call.RetryAfter, test.fault, test.status, test.after, err)
					}
					if !strings.Contains(call.Message, test.message) {
						t.Errorf("message %q lacks %q", call.Message, test.message)
					}
					if _, err := p.Do(t.Context(), c); err != nil {
						t.Errorf("the call after it: %v", err)
					}
				})
			}
		}
	}
}

func TestWrongKeyIsNeverRepeated(t *testing.T) {
	for _, d := range dialects {
		_, p := newPair(t, hftest.ServerOptions{Dialect: d, Key: "another"})
		_, err := p.Do(t.Context(), callsOf(d)[0])
		if faultIn(err) != hf.FaultKey {
			t.Fatalf("%s: %v", d, err)
		}
		probe := p.Probe(t.Context(), callsOf(d)[0])
		for _, text := range []string{err.Error(), p.String(), fmt.Sprintf("%v %+v %#v %s", p, p, p, p), fmt.Sprintf("%v", probe)} {
			if strings.Contains(text, testKey) {
				t.Errorf("%s: the key is in %q", d, text)
			}
		}
	}
	o := Options{Type: TEI, Endpoint: "https://user:" + testKey + "@x.example?key=" + testKey, Key: testKey}
	_, err := New(o)
	if text := fmt.Sprintf("%v %+v %#v %v", o, o, o, err); strings.Contains(text, testKey) || faultIn(err) != hf.FaultInvalid {
		t.Errorf("the key is in %q", text)
	}
	_, err = New(Options{Type: HuggingFace, Key: testKey + "\n"})
	if err == nil || strings.Contains(err.Error(), testKey) {
		t.Errorf("a key with a line end: %v", err)
	}
}

func TestLoadingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hftest.NewMemoryServer(t, hftest.ServerOptions{})
		p, err := New(Options{Type: HuggingFace, Endpoint: s.URL, Client: s.Client()})
		if err != nil {
			t.Fatal(err)
		}
		s.Load(20 * time.Second)
		_, err = p.Do(t.Context(), embedCall)
		var call *hf.CallError
		if !errors.As(err, &call) || call.Fault != hf.FaultLoading || call.RetryAfter != 20*time.Second {
			t.Fatalf("%v", err)
		}
		time.Sleep(call.RetryAfter)
		if _, err = p.Do(t.Context(), embedCall); err != nil {
			t.Errorf("after the wait: %v", err)
		}
	})
}

func TestTimeouts(t *testing.T) {
	for _, trouble := range []hftest.Trouble{hftest.Hang(), hftest.Slow(time.Hour)} {
		synctest.Test(t, func(t *testing.T) {
			s := hftest.NewMemoryServer(t, hftest.ServerOptions{})
			p, err := New(Options{Type: HuggingFace, Endpoint: s.URL, Client: s.Client()})
			if err != nil {
				t.Fatal(err)
			}
			s.Next(2, trouble)
			start := time.Now()
			if _, err := p.Do(t.Context(), embedCall); faultIn(err) != hf.FaultTimeout || time.Since(start) != time.Minute {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
			start = time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if _, err := p.Do(ctx, embedCall); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
				t.Errorf("after %v: %v", time.Since(start), err)
			}
		})
	}
}

func TestLargeAnswersAreNotRead(t *testing.T) {
	for name, declared := range map[string]bool{"declared": true, "chunked": false} {
		sent := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if declared {
				w.Header().Set("Content-Length", "1000000000")
			}
			piece := []byte("[" + strings.Repeat("[1],", 1<<14))
			for sent = 0; sent < 1e9; {
				n, err := w.Write(piece)
				if sent += n; err != nil {
					return
				}
			}
		}))
		p, err := New(Options{Type: TEI, Endpoint: s.URL, AllowPrivate: true, MaxReply: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Do(t.Context(), embedCall)
		s.Close()
		if faultIn(err) != hf.FaultUnreadable || !strings.Contains(err.Error(), "larger than") || sent > 1e8 {
			t.Errorf("%s: %d bytes sent: %v", name, sent, err)
		}
	}
}

func TestMessagesAreShortAndClean(t *testing.T) {
	p := &Provider{key: testKey}
	for _, text := range []string{
		strings.Repeat("é", 400), strings.Repeat("x", 499) + "漢", "a\x00b\r\n\x1b[31m\tc", "\xff\xfe" + strings.Repeat("\xc3", 600),
		strings.Repeat("y", 490) + testKey, strings.Repeat("x", 500),
	} {
		got := p.clean(text)
		if len(got) > maxMessage || !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\n\x1b\t") || strings.Contains(got, testKey[:9]) {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, test := range []struct {
		name, header, value string
		estimate            float64
		want                time.Duration
	}{
		{name: "nothing"},
		{name: "estimate", estimate: 44.5, want: 44500 * time.Millisecond},
		{name: "seconds", header: "Retry-After", value: "3", want: 3 * time.Second},
		{name: "date", header: "Retry-After", value: "Fri, 02 Jan 2026 03:05:05 GMT", want: time.Minute},
		{name: "past", header: "Retry-After", value: "Fri, 02 Jan 2026 03:00:00 GMT"},
		{name: "milliseconds", header: "Retry-After-Ms", value: "1500", want: 1500 * time.Millisecond},
		{name: "window", header: "RateLimit", value: `"api";r=0;t=55`, want: 55 * time.Second},
		{name: "room left", header: "RateLimit", value: `"api";r=10;t=55`},
		{name: "for ever", header: "Retry-After", value: "1e300", want: maxWait},
		{name: "nonsense", header: "Retry-After", value: "NaN"},
		{name: "negative", header: "Retry-After", value: "-5"},
	} {
		h := http.Header{}
		if test.header != "" {
			h.Set(test.header, test.value)
		}
		if got := retryAfter(h, test.estimate, now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

func TestComplaintsInAnswersAndStreams(t *testing.T) {
	p := &Provider{key: testKey}
	for body, want := range map[string]hf.Fault{
		`{"error":"x","error_type":"validation"}`:                                               hf.FaultInvalid,
		`{"error":"x","error_type":"Overloaded"}`:                                               hf.FaultRateLimit,
		`{"error":"x","error_type":"generation"}`:                                               hf.FaultServer,
		`{"error":{"message":"x","type":"invalid_request_error"}}`:                              hf.FaultInvalid,
		`{"error":{"message":"x","type":"rate_limit_error"}}`:                                   hf.FaultRateLimit,
		`{"error":{"message":"x","type":"t","code":"insufficient_quota"}}`:                      hf.FaultCredits,
		`{"error":{"message":"x","type":"t","code":"invalid_api_key"}}`:                         hf.FaultKey,
		`{"error":{"message":"x","type":"permission_error"}}`:                                   hf.FaultPermission,
		`{"error":{"message":"x","type":"t","code":"model_not_supported"}}`:                     hf.FaultNotServed,
		`{"error":{"message":"x","http_status_code":422}}`:                                      hf.FaultInvalid,
		`{"message":"x","code":503,"type":"Unhealthy"}`:                                         hf.FaultServer,
		`{"error":{"message":"x","code":402}}`:                                                  hf.FaultCredits,
		`{"error":"` + strings.Repeat(" ", 3000) + testKey[:9] + `\u0053` + testKey[10:] + `"}`: hf.FaultServer,
	} {
		err := p.badAnswer(answer{status: 200, body: []byte(body)}, errComplaint)
		if faultIn(err) != want || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
	err := p.failure(500, http.Header{}, []byte(strings.Repeat(" x", 4*maxMessage/2-4)+testKey))
	if strings.Contains(err.Error(), testKey[:4]) {
		t.Errorf("a part of the key is in %v", err)
	}
}
