package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"searchd/models"
)

// modelMetrics are about the models of this process.
type modelMetrics struct {
	queueTexts, queueTokens *prometheus.GaugeVec
	texts, tokens           *prometheus.CounterVec
	batchTexts, batchFill   *prometheus.HistogramVec
	batchDuration           *prometheus.HistogramVec
	callDuration            *prometheus.HistogramVec
}

func newModelMetrics() modelMetrics {
	return modelMetrics{
		queueTexts:    gauge("model_queue_texts", "Texts that wait for a worker.", "model"),
		queueTokens:   gauge("model_queue_tokens", "Tokens of the texts that wait for a worker.", "model"),
		texts:         counter("model_texts_total", "Texts computed.", "model"),
		tokens:        counter("model_tokens_total", "Tokens computed.", "model"),
		batchTexts:    histogram("model_batch_texts", "Texts in a batch.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256}, "model"),
		batchFill:     histogram("model_batch_fill_ratio", "Tokens in a batch, as a share of the most that it may have.", []float64{.05, .1, .25, .5, .75, .9, 1}, "model"),
		batchDuration: histogram("model_batch_duration_seconds", "Time to compute a batch.", seconds, "model"),
		callDuration:  histogram("model_call_duration_seconds", "From a call to its outcome: ok, refused, cancelled or failed. Waiting is included.", seconds, "model", "outcome"),
	}
}

func (m *modelMetrics) register(r *prometheus.Registry) {
	r.MustRegister(m.queueTexts, m.queueTokens, m.texts, m.tokens, m.batchTexts, m.batchFill, m.batchDuration, m.callDuration)
}

// Model watches one model of this process.
type Model struct {
	queueTexts, queueTokens prometheus.Gauge
	texts, tokens           prometheus.Counter
	batchTexts, batchFill   prometheus.Observer
	batchDuration           prometheus.Observer
	callDuration            map[string]prometheus.Observer // by outcome
}

// Model is what watches the model of an id.
func (m *Metrics) Model(id string) *Model {
	all := &m.models
	w := &Model{
		queueTexts: all.queueTexts.WithLabelValues(id), queueTokens: all.queueTokens.WithLabelValues(id),
		texts: all.texts.WithLabelValues(id), tokens: all.tokens.WithLabelValues(id),
		batchTexts: all.batchTexts.WithLabelValues(id), batchFill: all.batchFill.WithLabelValues(id),
		batchDuration: all.batchDuration.WithLabelValues(id), callDuration: map[string]prometheus.Observer{},
	}
	for _, outcome := range []string{"ok", "refused", "cancelled", "failed"} {
		w.callDuration[outcome] = all.callDuration.WithLabelValues(id, outcome)
	}
	return w
}

// Waiting says how much waits for a worker.
func (w *Model) Waiting(texts, tokens int) {
	w.queueTexts.Set(float64(texts))
	w.queueTokens.Set(float64(tokens))
}

// Computed counts a batch, which could have had at most budget tokens.
func (w *Model) Computed(texts, tokens, budget int, took time.Duration) {
	w.texts.Add(float64(texts))
	w.tokens.Add(float64(tokens))
	w.batchTexts.Observe(float64(texts))
	w.batchFill.Observe(float64(tokens) / float64(budget))
	w.batchDuration.Observe(took.Seconds())
}

// Answered counts a call.
func (w *Model) Answered(_ int, took time.Duration, err error) {
	w.callDuration[outcome(err)].Observe(took.Seconds())
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return "cancelled"
	case models.CodeOf(err) == models.RateLimited:
		return "refused"
	}
	return "failed"
}
