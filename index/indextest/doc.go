// Package indextest is the conformance suite that every index engine passes. Its oracle is a plain map, scanned.
package indextest
