package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// TestMetricsTellRoutesApart counts known traffic. Whatever paths clients invent, they make no labels.
func TestMetricsTellRoutesApart(t *testing.T) {
	s := startWith(t, quick())
	check(t, s)
	s.add(wireDocument("a", "bread and butter"))
	for i := range 3 {
		s.get("/search?q=bread")
		s.get(fmt.Sprintf("/documents/id-%d", i))
		s.get(fmt.Sprintf("/collections/default/documents/id-%d", i))
		s.get(fmt.Sprintf("/invented/%d", i))
		s.do(http.MethodPut, fmt.Sprintf("/jobs/%d", i), jsonType, "{}")
	}
	answer := s.get("/metrics")
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(answer.body))
	if err != nil {
		t.Fatal(err)
	}
	requests := map[string]float64{}
	for _, sample := range families["searchd_http_requests_total"].GetMetric() {
		requests[labels(sample)] = sample.GetCounter().GetValue()
	}
	for name, want := range map[string]float64{
		"POST /documents 200":                          1,
		"GET /search 200":                              3,
		"GET /documents/+ 404":                         3,
		"GET /collections/:collection/documents/+ 404": 3,
		"GET none 404":                                 3,
		"PUT none 405":                                 3,
	} {
		if requests[name] != want {
			t.Errorf("%s: %v requests, not %v", name, requests[name], want)
		}
		delete(requests, name)
	}
	if len(requests) != 0 {
		t.Errorf("nobody has asked for %v", requests)
	}
	if n := families["searchd_http_request_duration_seconds"].GetMetric()[0].GetHistogram().GetSampleCount(); n == 0 {
		t.Error("no time was taken")
	}
}

// labels are method, route and status.
func labels(sample *dto.Metric) string {
	by := map[string]string{}
	for _, l := range sample.GetLabel() {
		by[l.GetName()] = l.GetValue()
	}
	return by["method"] + " " + by["route"] + " " + by["status"]
}
