package metrics_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"searchd/internal/metrics"
	"searchd/models"

	"github.com/google/go-cmp/cmp"
)

// scrape answers every sample of searchd's own, by name and labels; of histograms, how much was observed and its sum.
func scrape(t *testing.T, m *metrics.Metrics) map[string]float64 {
	t.Helper()
	var text bytes.Buffer
	if err := m.Write(&text); err != nil {
		t.Error(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(&text)
	if err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for name, family := range families {
		if !strings.HasPrefix(name, "searchd_") {
			continue
		}
		if family.GetHelp() == "" {
			t.Error(name, "has no help")
		}
		for _, sample := range family.GetMetric() {
			add(samples, name, sample)
		}
	}
	return samples
}

func add(samples map[string]float64, name string, sample *dto.Metric) {
	for _, label := range sample.GetLabel() {
		name += " " + label.GetValue()
	}
	switch {
	case sample.GetCounter() != nil:
		samples[name] = sample.GetCounter().GetValue()
	case sample.GetGauge() != nil:
		samples[name] = sample.GetGauge().GetValue()
	case sample.GetHistogram().GetSampleCount() > 0:
		samples[name+" count"] = float64(sample.GetHistogram().GetSampleCount())
		samples[name+" sum"] = sample.GetHistogram().GetSampleSum()
	}
}

func TestWhatIsCountedIsShown(t *testing.T) {
	m := metrics.New("v1")
	m.Request("GET", "/search", 200, 250*time.Millisecond)
	m.Request("GET", "/search", 200, 250*time.Millisecond)
	m.Request("POST", "none", 404, time.Second)
	m.Ingested("created")
	m.Provided(metrics.Provided{Provider: "hub", Task: "text-generation", CostUSD: 0.25, Took: time.Second})
	m.Provided(metrics.Provided{Provider: "hub", Task: "text-generation", Cached: true})
	m.Provided(metrics.Provided{Provider: "hub", Task: "text-generation", Fault: "timeout", Took: time.Second})
	w := m.Model("mini")
	w.Waiting(7, 70)
	w.Waiting(3, 30)
	w.Computed(8, 256, 512, 125*time.Millisecond)
	for _, err := range []error{nil, models.Errorf(models.RateLimited, "", "full"), fmt.Errorf("left: %w", context.Canceled), errors.New("damaged")} {
		w.Answered(8, time.Second, err)
	}
	m.Observe(func(context.Context) (metrics.Store, error) {
		return metrics.Store{Jobs: 2, Documents: 9, Collections: []metrics.Collection{{Name: "default", Documents: 4, Chunks: 5, Recall: 0.75, Measured: true}}}, nil
	})
	want := map[string]float64{
		"searchd_build_info v1":                                       1,
		"searchd_http_requests_total GET /search 200":                 2,
		"searchd_http_requests_total POST none 404":                   1,
		"searchd_http_request_duration_seconds /search count":         2,
		"searchd_http_request_duration_seconds /search sum":           0.5,
		"searchd_http_request_duration_seconds none count":            1,
		"searchd_http_request_duration_seconds none sum":              1,
		"searchd_documents_ingested_total created":                    1,
		"searchd_provider_requests_total ok hub text-generation":      2,
		"searchd_provider_requests_total timeout hub text-generation": 1,
		"searchd_provider_cache_hits_total hub":                       1,
		"searchd_provider_cost_usd_total hub":                         0.25,
		"searchd_provider_request_duration_seconds hub count":         3,
		"searchd_provider_request_duration_seconds hub sum":           2,
		"searchd_model_queue_texts mini":                              3,
		"searchd_model_queue_tokens mini":                             30,
		"searchd_model_texts_total mini":                              8,
		"searchd_model_tokens_total mini":                             256,
		"searchd_model_batch_texts mini count":                        1,
		"searchd_model_batch_texts mini sum":                          8,
		"searchd_model_batch_fill_ratio mini count":                   1,
		"searchd_model_batch_fill_ratio mini sum":                     0.5,
		"searchd_model_batch_duration_seconds mini count":             1,
		"searchd_model_batch_duration_seconds mini sum":               0.125,
		"searchd_model_call_duration_seconds mini ok count":           1,
		"searchd_model_call_duration_seconds mini ok sum":             1,
		"searchd_model_call_duration_seconds mini refused count":      1,
		"searchd_model_call_duration_seconds mini refused sum":        1,
		"searchd_model_call_duration_seconds mini cancelled count":    1,
		"searchd_model_call_duration_seconds mini cancelled sum":      1,
		"searchd_model_call_duration_seconds mini failed count":       1,
		"searchd_model_call_duration_seconds mini failed sum":         1,
		"searchd_jobs_waiting":                                        2,
		"searchd_documents_waiting":                                   9,
		"searchd_collection_documents default":                        4,
		"searchd_collection_chunks default":                           5,
		"searchd_index_recall default":                                0.75,
	}
	if diff := cmp.Diff(want, scrape(t, m)); diff != "" {
		t.Error(diff)
	}
}

// Every metric is in the manual.
func TestDocumented(t *testing.T) {
	manual, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New("v1")
	m.Request("GET", "/", 200, time.Second)
	m.Ingested("created")
	m.Provided(metrics.Provided{Provider: "hub", Cached: true})
	m.Model("mini")
	m.Observe(func(context.Context) (metrics.Store, error) {
		return metrics.Store{Collections: []metrics.Collection{{Name: "default"}}}, nil
	})
	var text bytes.Buffer
	if err := m.Write(&text); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`(?m)^# TYPE (searchd_\w+)`).FindAllStringSubmatch(text.String(), -1)
	if len(names) < 20 {
		t.Errorf("only %d metrics", len(names))
	}
	for _, name := range names {
		if !bytes.Contains(manual, []byte("`"+name[1]+"`")) {
			t.Errorf("docs/operating.md lacks %s", name[1])
		}
	}
}

// A store that cannot be read takes nothing else with it.
func TestUnreadableStore(t *testing.T) {
	m := metrics.New("v1")
	m.Observe(func(context.Context) (metrics.Store, error) { return metrics.Store{}, errors.New("disk on fire") })
	var text bytes.Buffer
	if err := m.Write(&text); err == nil || !strings.Contains(err.Error(), "disk on fire") {
		t.Error(err)
	}
	if !strings.Contains(text.String(), "searchd_build_info") || !strings.Contains(text.String(), "go_goroutines") {
		t.Errorf("only %d bytes are left", text.Len())
	}
}
