// Package secret keeps keys of other services unreadable at rest: AES-256-GCM, with a master key from the environment or
// from a file that only its owner can read.
package secret
