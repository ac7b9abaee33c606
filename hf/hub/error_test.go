package hub

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"searchd/models"
)

func TestRetryAfter(t *testing.T) {
	tests := []struct {
		name, value string
		want        time.Duration
	}{
		{"RateLimit", `"api";r=0;t=55`, 55 * time.Second}, {"RateLimit", `"api";r=0`, 0}, {"RateLimit", `t=99999999999999`, 0},
		{"Retry-After", "1.5", 1500 * time.Millisecond}, {"Retry-After", "-1", 0}, {"Retry-After", "1e300", 1e6 * time.Second},
		{"Retry-After", "Wed, 21 Oct 2015 07:28:00 GMT", 0}, {"Retry-After", "NaN", 0}, {"X", "1", 0},
	}
	for _, test := range tests {
		if got := retryAfter(http.Header{http.CanonicalHeaderKey(test.name): {test.value}}); got != test.want {
			t.Errorf("%s: %s is %v, want %v", test.name, test.value, got, test.want)
		}
	}
}

// A full disk is not a riddle, and what has come is not lost.
func TestKeepFailed(t *testing.T) {
	tests := map[syscall.Errno]string{syscall.ENOSPC: "the disk of /cache is full; make room", syscall.EROFS: "name another folder in HF_HUB_CACHE", syscall.EIO: "cannot be written"}
	for errno, want := range tests {
		err := keepFailed("/cache", fmt.Errorf("hub: %w", &fs.PathError{Op: "write", Path: "/cache/x", Err: errno}))
		if !strings.Contains(err.Error(), want) || errno != syscall.EIO && models.CodeOf(err) != models.Unavailable {
			t.Errorf("%v: %v", errno, err)
		}
	}
}
