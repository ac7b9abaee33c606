package gateway

import (
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
)

type circuitID struct{ provider, model string }

type breaker = circuitbreaker.CircuitBreaker[any]

// maxCircuits bounds the memory that failing models of ever new names can take.
const maxCircuits = 4096

// trials is how many attempts an open circuit lets through when its time has passed. The first that succeeds closes it; it
// opens again when all have failed. With one alone, a provider that fails half of the time would be left alone for twice
// as long.
const trials = 3

// circuits holds a breaker for each target that is failing. A target without a breaker is one whose circuit is closed and
// whose last attempt did not fail, so nothing is kept of targets that work.
type circuits struct {
	failures int
	wait     time.Duration

	mu   sync.Mutex
	byID map[circuitID]breaker
}

// closedFor is how long the target will still be left alone; 0 where it may be tried.
func (c *circuits) closedFor(id circuitID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.byID[id]; b != nil {
		return b.RemainingDelay()
	}
	return 0
}

// admit says whether an attempt may go now. Each admitted attempt must end
// with succeeded, failed or abandoned.
func (c *circuits) admit(id circuitID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.byID[id]
	return b == nil || b.TryAcquirePermit()
}

func (c *circuits) succeeded(id circuitID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.byID[id]
	if b == nil {
		return
	}
	b.RecordSuccess()
	if b.IsClosed() {
		delete(c.byID, id)
	}
}

func (c *circuits) failed(id circuitID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b := c.byID[id]
	if b == nil {
		b = c.add(id)
	}
	b.RecordFailure()
}

// abandoned is for an attempt that was given up before it was known how it would end. It changes nothing, except that a
// trial of an open circuit counts as a failed one, or no other would ever be let through.
func (c *circuits) abandoned(id circuitID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if b := c.byID[id]; b != nil && b.IsHalfOpen() {
		b.RecordFailure()
	}
}

func (c *circuits) add(id circuitID) breaker {
	if len(c.byID) >= maxCircuits {
		for any := range c.byID {
			delete(c.byID, any)
			break
		}
	}
	b := circuitbreaker.NewBuilder[any]().WithFailureThreshold(uint(c.failures)).WithSuccessThresholdRatio(1, trials).WithDelay(c.wait).Build()
	c.byID[id] = b
	return b
}
