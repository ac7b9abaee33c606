package tasks

import (
	"errors"
	"fmt"
	"strings"

	"searchd/hf"
	"searchd/hf/gateway"
)

// explain adds to the failure of a model that is not served where it can run instead.
func (s *Service) explain(err error) error {
	e, ok := errors.AsType[*gateway.Error](err)
	if !ok || e.Fault != hf.FaultNotServed || len(e.Attempts) == 0 {
		return err
	}
	last := e.Attempts[len(e.Attempts)-1]
	explained := *e
	said := strings.TrimRight(e.Message, ". ")
	switch last.Type {
	case Local:
		return err // which says it
	case "huggingface":
		explained.Message = fmt.Sprintf("%s: hosted Hugging Face does not serve %s for this; %s", said, last.Model, s.Catalog.Remedy(last.Model))
	default:
		explained.Message = fmt.Sprintf("%s: provider %q does not serve the model %q; name one that it has as `model`, or make that its default", said, last.Provider, last.Model)
	}
	return &explained
}
