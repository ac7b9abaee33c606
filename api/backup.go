package api

import (
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"searchd/models"
)

// backupTimeout bounds the making of a copy, which goes at the disk's speed; sending it is not in it.
const backupTimeout = time.Hour

// backup sends a copy of the store, one at a time: each takes as much of the disk as the store does.
func (s *Server) backup(c *fiber.Ctx) error {
	if !s.backingUp.TryLock() {
		return &models.Error{Code: models.RateLimited, Message: "another backup is being made; ask again when it is done", RetryAfter: 10 * time.Second}
	}
	defer s.backingUp.Unlock()
	ctx, cancel := context.WithTimeout(s.live, backupTimeout)
	defer cancel()
	f, err := s.DB.Backup(ctx)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/vnd.sqlite3")
	c.Set(fiber.HeaderContentDisposition, fmt.Sprintf(`attachment; filename="searchd-%s.db"`, time.Now().UTC().Format("20060102-150405")))
	return c.SendStream(f, int(info.Size())) // which closes it
}
