package metrics

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
)

// ContentType is that of what Write writes.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// Metrics are the counters of one process. They are safe for concurrent use.
type Metrics struct {
	registry  *prometheus.Registry
	http      httpMetrics
	models    modelMetrics
	providers providerMetrics
	ingested  *prometheus.CounterVec
}

// New makes counters that stand at zero, of a process of a version.
func New(version string) *Metrics {
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		http:      newHTTPMetrics(),
		models:    newModelMetrics(),
		providers: newProviderMetrics(),
		ingested:  counter("documents_ingested_total", "Documents whose job is done with them, by outcome.", "status"),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "searchd_build_info", Help: "Always 1; the label tells the version.", ConstLabels: prometheus.Labels{"version": version},
	})
	build.Set(1)
	m.registry.MustRegister(build, m.ingested, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.http.register(m.registry)
	m.models.register(m.registry)
	m.providers.register(m.registry)
	return m
}

// Write writes all metrics as text. What could be gathered is written even where something could not.
func (m *Metrics) Write(w io.Writer) error {
	families, gatherErr := m.registry.Gather()
	encoder := expfmt.NewEncoder(w, expfmt.NewFormat(expfmt.TypeTextPlain))
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	if gatherErr != nil {
		return fmt.Errorf("metrics: %w", gatherErr)
	}
	return nil
}

// Ingested counts a document that a job is done with.
func (m *Metrics) Ingested(status string) { m.ingested.WithLabelValues(status).Inc() }

// httpMetrics are about requests.
type httpMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newHTTPMetrics() httpMetrics {
	return httpMetrics{
		requests: counter("http_requests_total", "Requests answered.", "method", "route", "status"),
		duration: histogram("http_request_duration_seconds", "From a request's header to its answer, or to the first byte of a streamed one.", seconds, "route"),
	}
}

func (h *httpMetrics) register(r *prometheus.Registry) { r.MustRegister(h.requests, h.duration) }

// Request counts an answered request. The route is a pattern, not a path.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	m.http.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.http.duration.WithLabelValues(route).Observe(took.Seconds())
}

// seconds are the bounds of durations, from a query on a fast machine to a request that waits for a job.
var seconds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

const namespace = "searchd"
