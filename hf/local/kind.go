package local

import (
	"fmt"
	"io/fs"
)

// ModelKind is what a model folder can be opened as.
type ModelKind string

const (
	KindEmbedder   ModelKind = "embedding model" // with Open
	KindClassifier ModelKind = "classifier"      // with OpenClassifier
	KindReranker   ModelKind = "reranker"        // with OpenReranker
)

// Kind says what the model in fsys is, from its small files. It does not look at the weights.
func Kind(fsys fs.FS) (ModelKind, error) {
	l, err := readLayout(fsys)
	if err != nil {
		return "", fmt.Errorf("local: %w", err)
	}
	return l.kind(), nil
}

// kind goes by the class that the model was saved from, except where a pooling says that its head is not used. A head that
// knows one class is one that scores pairs.
func (l *layout) kind() ModelKind {
	switch n := len(l.config.Classes()); {
	case l.pooling != "" || n == 0:
		return KindEmbedder
	case n == 1:
		return KindReranker
	}
	return KindClassifier
}

// task is the hub's word for a kind.
func (k ModelKind) task() string {
	switch k {
	case KindClassifier:
		return "text-classification"
	case KindReranker:
		return "text-ranking"
	}
	return "sentence-similarity"
}
