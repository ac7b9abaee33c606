package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/gofiber/fiber/v2"

	"searchd/models"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotent-Replayed"
	maxKeyBytes    = 255
)

// idempotencyKey is the key that makes a request repeatable; empty where it has none.
func idempotencyKey(c *fiber.Ctx) (string, error) {
	key := c.Get(keyHeader)
	printable := !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' })
	if given := c.Request().Header.Peek(keyHeader); given != nil && (key == "" || len(key) > maxKeyBytes || !printable) {
		return "", models.Errorf(models.Invalid, keyHeader, "must be 1 to %d printable ASCII characters, another for each request, such as a UUID", maxKeyBytes)
	}
	return key, nil
}

// repeatable is a request with a key while it is read: its content is summed up, so that another request that has the same key
// by mistake is told from the same one.
type repeatable struct {
	key string
	sum hash.Hash
}

// newRepeatable begins with what says how the body is to be understood.
func newRepeatable(key string, terms ...string) *repeatable {
	r := &repeatable{key: key, sum: sha256.New()}
	for _, term := range terms {
		_, _ = fmt.Fprintf(r.sum, "%q\n", term) // a hash takes everything
	}
	return r
}

// again reads a request whose key has a job already, and answers that job if it is the same request.
func (r *repeatable) again(ctx context.Context, c *fiber.Ctx, kind string, earlier models.Job) (models.Job, error) {
	if err := r.read(ctx, c, kind); err != nil {
		return earlier, err
	}
	if !bytes.Equal(r.sum.Sum(nil), earlier.RequestHash) {
		return earlier, models.Errorf(models.Invalid, keyHeader, "belongs to another request (%s); give each request a key of its own", earlier.ID)
	}
	c.Set(replayedHeader, "true")
	return earlier, nil
}

func (r *repeatable) read(ctx context.Context, c *fiber.Ctx, kind string) error {
	if kind == typeForm {
		return addFiles(ctx, c, nil, r.sum)
	}
	sumBody(c, r.sum)
	if _, err := io.Copy(io.Discard, bodyReader(c)); err != nil {
		return models.Errorf(models.Malformed, "", "the body ended early")
	}
	return nil
}

// sumBody makes every byte that is read of a body a part of sum, too.
func sumBody(c *fiber.Ctx, sum io.Writer) {
	if b, ok := c.Locals(bodyLocal).(*body); ok {
		b.sum = sum
	}
}
