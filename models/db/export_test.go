package db

import (
	"context"
	"database/sql"
	"errors"
)

// Forget has everything read again.
func (d *DB) Forget() { d.changes.all() }

// OpenPool and MaxStatements are for a test of the statements that connections keep.
var OpenPool = openPool

const MaxStatements = maxStatements

// Idle is how many statements a connection of the pool keeps.
func Idle(pool *sql.DB) (n int, err error) {
	c, err := pool.Conn(context.Background())
	if err != nil {
		return 0, err
	}
	err = c.Raw(func(made any) error {
		n = made.(*connection).idle.Len()
		return nil
	})
	return n, errors.Join(err, c.Close())
}
