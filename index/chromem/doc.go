// Package chromem is the index engine on chromem-go: an exact scan in memory, the default for small collections and
// the oracle of every other engine.
//
// chromem-go is used in memory only. Its files are named by 32 bits of a hash, so its persistent mode loses documents;
// SQLite keeps them here. The engine guards against what else the library lets through: a vector of the wrong length
// (which would fail every later query), deletion by an empty filter (which would remove everything), more results
// asked for than there are (an error there), and ties in random order.
package chromem
