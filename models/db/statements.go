package db

import (
	"container/list"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// maxStatements is how many prepared statements a connection keeps. Lists of rows and of values make one of each length.
const maxStatements = 100

// openPool opens connections that keep the statements they have prepared. GORM's own store of them does so neither within a
// transaction, where everything is written, nor within bounds.
func openPool(dsn string, connections int) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(connector{c})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool, nil
}

type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	made, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &connection{sqliteConn: made.(sqliteConn), idle: list.New()}, nil
}

// sqliteConn is what database/sql uses of SQLite's connections; but for running a query without preparing it.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.SessionResetter
	driver.Validator
}

// connection keeps the statements that nobody uses. Like every connection of a pool, it has one user at a time.
type connection struct {
	sqliteConn
	idle *list.List // of *statement, the last used first
}

// PrepareContext gives out a statement that is kept, or a new one. One that is in use, as while its rows are read, is not
// given out a second time.
func (c *connection) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	for e := c.idle.Front(); e != nil; e = e.Next() {
		if s := e.Value.(*statement); s.query == query {
			c.idle.Remove(e)
			return s, nil
		}
	}
	made, err := c.sqliteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return &statement{sqliteStmt: made.(sqliteStmt), query: query, of: c}, nil
}

// Close closes the statements that are kept, too.
func (c *connection) Close() error {
	var errs []error
	for e := c.idle.Front(); e != nil; e = e.Next() {
		errs = append(errs, e.Value.(*statement).sqliteStmt.Close())
	}
	c.idle.Init()
	return errors.Join(append(errs, c.sqliteConn.Close())...)
}

type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// statement goes back to its connection when it is closed.
type statement struct {
	sqliteStmt
	query string
	of    *connection
}

func (s *statement) Close() error {
	s.of.idle.PushFront(s)
	if s.of.idle.Len() <= maxStatements {
		return nil
	}
	return s.of.idle.Remove(s.of.idle.Back()).(*statement).sqliteStmt.Close()
}
