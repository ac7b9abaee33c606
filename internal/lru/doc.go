// Package lru is a cache bounded in bytes, which forgets what was not used for the longest time.
package lru
