package remote

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"searchd/hf"
)

const (
	maxMessage = 500 // bytes
	maxWait    = 24 * time.Hour
)

// complaint is an error body, of whatever shape.
type complaint struct {
	text     string
	kind     string  // the protocol's word for it: error_type, type or code, in lower case
	status   int     // where the body has one
	estimate float64 // seconds until a model is loaded
}

// failure is the error of an answer with a status of 300 and above.
func (p *Provider) failure(status int, header http.Header, body []byte) error {
	c := p.complaint(body)
	e := &hf.CallError{Fault: faultOf(status, c), Status: status, Message: p.clean(c.text)}
	if e.Message == "" {
		e.Message = http.StatusText(status)
	}
	if 300 <= status && status < 400 {
		e.Message = "the endpoint has moved; configure its new address"
	}
	switch e.Fault {
	case hf.FaultLoading, hf.FaultRateLimit, hf.FaultServer, hf.FaultTimeout:
		e.RetryAfter = retryAfter(header, c.estimate, time.Now())
	}
	return e
}

// badAnswer is the error of an answer that could not be read: half of one, a complaint with a good status, or nonsense.
func (p *Provider) badAnswer(a answer, err error) error {
	c := p.complaint(a.body)
	switch {
	case truncated(err, len(a.body)):
		return &hf.CallError{Fault: hf.FaultConnection, Status: a.status, Message: "the answer ends in the middle", Err: err}
	case c.text != "" && (errors.Is(err, errComplaint) || c.kind != "" || c.status != 0 || bytes.HasPrefix(bytes.TrimSpace(a.body), []byte(`{"error"`))):
		return &hf.CallError{Fault: faultInStream(c), Status: a.status, Message: p.clean(c.text), Err: err}
	}
	message := err.Error()
	if looksLikeHTML(a.body) {
		message = c.text
	}
	return &hf.CallError{Fault: hf.FaultUnreadable, Status: a.status, Message: p.clean("the answer is not what the protocol says: " + message), Err: err}
}

func truncated(err error, size int) bool {
	var syntax *json.SyntaxError
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntax) && syntax.Offset >= int64(size) && strings.Contains(syntax.Error(), "unexpected end")
}

// faultOf classes an answer by its status, and by its words where the status says too little.
func faultOf(status int, c complaint) hf.Fault {
	switch status {
	case http.StatusUnauthorized:
		return hf.FaultKey
	case http.StatusPaymentRequired:
		return hf.FaultCredits
	case http.StatusForbidden:
		return hf.FaultPermission
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return hf.FaultNotServed
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return hf.FaultTimeout
	case http.StatusGone:
		return hf.FaultRetired
	case http.StatusTooManyRequests:
		if c.kind == "insufficient_quota" {
			return hf.FaultCredits
		}
		return hf.FaultRateLimit
	case http.StatusBadRequest, http.StatusFailedDependency, http.StatusServiceUnavailable:
		return faultOfWords(status, c)
	}
	switch {
	case status >= 500:
		return hf.FaultServer
	case status >= 400:
		return hf.FaultInvalid
	}
	return hf.FaultRetired // a redirect that was not followed
}

var wrongModel = regexp.MustCompile(`(?i)model is not an? .*model|model not supported|not supported by (any )?provider`)

func faultOfWords(status int, c complaint) hf.Fault {
	switch {
	case c.kind == "model_not_supported", c.kind == "model_not_found", wrongModel.MatchString(c.text):
		return hf.FaultNotServed
	case status == http.StatusBadRequest:
		return hf.FaultInvalid
	case c.estimate > 0, status == http.StatusServiceUnavailable && strings.Contains(strings.ToLower(c.text), "loading"):
		return hf.FaultLoading
	}
	return hf.FaultServer
}

// faultInStream classes a complaint whose status was 200, by the protocol's word for it.
func faultInStream(c complaint) hf.Fault {
	if c.status >= 400 && c.status < 600 {
		return faultOf(c.status, c)
	}
	switch c.kind {
	case "validation", "invalid_request_error", "template_error", "missing_template_variable", "tool_error", "empty", "tokenizer":
		return hf.FaultInvalid
	case "overloaded", "rate_limit_error", "rate_limit_exceeded":
		return hf.FaultRateLimit
	case "insufficient_quota":
		return hf.FaultCredits
	case "invalid_api_key", "authentication_error":
		return hf.FaultKey
	case "permission_error":
		return hf.FaultPermission
	case "model_not_found", "model_not_supported":
		return hf.FaultNotServed
	}
	return hf.FaultServer
}

// complaint reads an error body. The key goes first, before a cut could leave a part of it; clean takes out what was escaped.
func (p *Provider) complaint(body []byte) complaint {
	if p.key != "" && bytes.Contains(body, []byte(p.key)) {
		body = bytes.ReplaceAll(body, []byte(p.key), []byte("[key]"))
	}
	return readComplaint(body)
}

// readComplaint does not rely on the content type: proxies put a wrong one.
func readComplaint(body []byte) complaint {
	body = bytes.TrimSpace(body)
	var c complaint
	if len(body) > 0 && (body[0] == '{' || body[0] == '[') {
		var v any
		if json.Unmarshal(body, &v) == nil {
			c.text = words(v, 4)
			c.note(v)
			return c
		}
	}
	c.text = string(body[:min(len(body), 4*maxMessage)])
	if looksLikeHTML(body) {
		c.text = "an HTML page" + title(body)
	}
	return c
}

// words finds the message: a string, a list of them, or what an object has it under.
func words(v any, depth int) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		var all []string
		for _, e := range v[:min(len(v), 10)] {
			if depth == 0 {
				break
			}
			if s := words(e, depth-1); s != "" {
				all = append(all, s)
			}
		}
		return strings.Join(all, "; ")
	case map[string]any:
		for _, key := range []string{"error", "message", "detail", "msg"} {
			if s := words(v[key], depth-1); depth > 0 && s != "" {
				return s
			}
		}
	}
	return ""
}

// note keeps what classes a complaint: in the object itself and in the one under "error".
func (c *complaint) note(v any) {
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, key := range []string{"error_type", "type", "code"} { // the code, where it is a word, says most
		if s, ok := object[key].(string); ok && s != "" {
			c.kind = strings.ToLower(s)
		}
	}
	for _, key := range []string{"code", "http_status_code", "status"} {
		if n, ok := object[key].(float64); ok && n >= 400 && n < 600 {
			c.status = int(n)
		}
	}
	if n, ok := object["estimated_time"].(float64); ok {
		c.estimate = n
	}
	if inner, ok := object["error"].(map[string]any); ok {
		c.note(inner)
	}
}

func looksLikeHTML(body []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) }

var titleElement = regexp.MustCompile(`(?is)<title[^>]*>([^<]{1,200})`)

func title(body []byte) string {
	if m := titleElement.FindSubmatch(body); m != nil {
		return ": " + string(bytes.TrimSpace(m[1]))
	}
	return ""
}

// clean makes a message fit to show: no key, one line, valid UTF-8, not long.
func (p *Provider) clean(message string) string {
	if p.key != "" {
		message = strings.ReplaceAll(message, p.key, "[key]")
	}
	message = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(message, "\uFFFD"))
	return shorten(strings.Join(strings.Fields(message), " "), maxMessage)
}

// shorten cuts between characters.
func shorten(s string, size int) string {
	if len(s) <= size {
		return s
	}
	const ellipsis = "…"
	end := size - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

var rateLimit = regexp.MustCompile(`;\s*r\s*=\s*0\s*;\s*t\s*=\s*(\d+)`)

// retryAfter is the longest wait that the answer asks for.
func retryAfter(h http.Header, estimate float64, now time.Time) time.Duration {
	wait := seconds(estimate)
	if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil {
			wait = max(wait, seconds(s))
		} else if at, err := http.ParseTime(v); err == nil {
			wait = max(wait, min(at.Sub(now), maxWait))
		}
	}
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		wait = max(wait, seconds(ms/1000))
	}
	if m := rateLimit.FindStringSubmatch(h.Get("RateLimit")); m != nil {
		if s, err := strconv.ParseFloat(m[1], 64); err == nil {
			wait = max(wait, seconds(s))
		}
	}
	return wait
}

func seconds(s float64) time.Duration {
	if math.IsNaN(s) || s <= 0 {
		return 0
	}
	return time.Duration(min(s, maxWait.Seconds()) * float64(time.Second))
}
