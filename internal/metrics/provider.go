package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// providerMetrics are about tasks, whoever does them.
type providerMetrics struct {
	requests, cached, cost *prometheus.CounterVec
	duration               *prometheus.HistogramVec
}

func newProviderMetrics() providerMetrics {
	return providerMetrics{
		requests: counter("provider_requests_total", "Requests to providers by outcome: ok, or the fault.", "provider", "task", "outcome"),
		cached:   counter("provider_cache_hits_total", "Requests answered from the cache, or together with an equal one.", "provider"),
		cost:     counter("provider_cost_usd_total", "Estimated cost of what was sent, in US dollars.", "provider"),
		duration: histogram("provider_request_duration_seconds", "From a request to its outcome, with all attempts.", seconds, "provider"),
	}
}

func (p *providerMetrics) register(r *prometheus.Registry) {
	r.MustRegister(p.requests, p.cached, p.cost, p.duration)
}

// Provided is a request that a provider has answered, or has not.
type Provided struct {
	Provider, Task string
	Fault          string // empty where it succeeded
	Cached         bool
	CostUSD        float64
	Took           time.Duration
}

// Provided counts a request to a provider.
func (m *Metrics) Provided(p Provided) {
	outcome := p.Fault
	if outcome == "" {
		outcome = "ok"
	}
	m.providers.requests.WithLabelValues(p.Provider, p.Task, outcome).Inc()
	m.providers.cost.WithLabelValues(p.Provider).Add(p.CostUSD)
	m.providers.duration.WithLabelValues(p.Provider).Observe(p.Took.Seconds())
	if p.Cached {
		m.providers.cached.WithLabelValues(p.Provider).Inc()
	}
}
