package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// storeTimeout bounds a look at the store: a scrape must not hang with it.
const storeTimeout = 2 * time.Second

// Store is what the store holds at the moment of a scrape.
type Store struct {
	Jobs, Documents int // that wait, or are being worked on
	Collections     []Collection
}

// Collection is how large a collection is.
type Collection struct {
	Name              string
	Documents, Chunks int
	Recall            float64 // of its index, as it was last measured
	Measured          bool    // whether it was
}

// Observe looks at the store at every scrape.
func (m *Metrics) Observe(look func(ctx context.Context) (Store, error)) {
	m.registry.MustRegister(&storeCollector{
		look:      look,
		jobs:      describe("jobs_waiting", "Jobs that are not finished."),
		waiting:   describe("documents_waiting", "Documents that jobs have still to take in."),
		documents: describe("collection_documents", "Documents of a collection.", "collection"),
		chunks:    describe("collection_chunks", "Chunks of a collection: the vectors in its index.", "collection"),
		recall:    describe("index_recall", "Recall@10 of a collection's index, as it was last measured in this process.", "collection"),
	})
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// storeCollector is a prometheus.Collector.
type storeCollector struct {
	look                                     func(ctx context.Context) (Store, error)
	jobs, waiting, documents, chunks, recall *prometheus.Desc
}

// Describe lists the metrics.
func (s *storeCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.jobs, s.waiting, s.documents, s.chunks, s.recall} {
		out <- d
	}
}

// Collect reads them.
func (s *storeCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	seen, err := s.look(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(s.jobs, err)
		return
	}
	show := func(d *prometheus.Desc, n float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, labels...)
	}
	show(s.jobs, float64(seen.Jobs))
	show(s.waiting, float64(seen.Documents))
	for _, c := range seen.Collections {
		show(s.documents, float64(c.Documents), c.Name)
		show(s.chunks, float64(c.Chunks), c.Name)
		if c.Measured {
			show(s.recall, c.Recall, c.Name)
		}
	}
}
