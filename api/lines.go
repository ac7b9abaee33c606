package api

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/gofiber/fiber/v2"

	"searchd/models"
)

// addLines reads one document a line, as the body comes in. A line that cannot be read fails alone; a body that breaks
// off fails as a whole, as nobody can know what was left of it.
func addLines(ctx context.Context, c *fiber.Ctx, in intake) error {
	lines := bufio.NewScanner(bodyReader(c))
	lines.Buffer(make([]byte, 0, 64<<10), maxLineBytes)
	for i := 0; lines.Scan(); {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		at := fmt.Sprintf("documents[%d]", i)
		if err := in.Read(ctx, at, line, decodeDraft); err != nil {
			return err
		}
		i++
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return models.Errorf(models.TooLarge, "", "a line is over %d MiB; a text can have %d MiB: split the document", maxLineBytes>>20, models.MaxTextBytes>>20)
	case err != nil:
		return models.Errorf(models.Malformed, "", "the body ended early; nothing of it was kept")
	}
	return nil
}
