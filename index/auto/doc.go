// Package auto is an index that begins with an engine for few vectors and goes over to one for many when it has grown. The
// new one is filled in the background, while the old one answers; no search waits, and none misses a vector.
package auto
