// Package metrics counts what the process does and shows it in the text format of Prometheus. It is the only importer of
// the Prometheus libraries: other packages have small observers of their own, which are connected where everything is
// wired together.
//
// Labels have few values: routes are patterns, and collections are shown up to a number.
package metrics
