package db

// Forget has everything read again.
func (d *DB) Forget() { d.changes.all() }
