package gateway

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// limits bounds the calls that run at one provider at a time. Who waits is served in order of arrival.
type limits struct {
	size int64

	mu         sync.Mutex
	byProvider map[string]*limit
}

// limit lives as long as somebody holds or waits for a place.
type limit struct {
	places *semaphore.Weighted
	users  int
}

// acquire waits for a place until ctx ends. The place is given back with release.
func (l *limits) acquire(ctx context.Context, provider string) (release func(), err error) {
	one := l.enter(provider)
	if err := one.places.Acquire(ctx, 1); err != nil {
		l.leave(provider, one)
		return nil, err
	}
	return func() {
		one.places.Release(1)
		l.leave(provider, one)
	}, nil
}

func (l *limits) enter(provider string) *limit {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.byProvider[provider]
	if one == nil {
		one = &limit{places: semaphore.NewWeighted(l.size)}
		l.byProvider[provider] = one
	}
	one.users++
	return one
}

func (l *limits) leave(provider string, one *limit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.users--; one.users == 0 {
		delete(l.byProvider, provider)
	}
}
