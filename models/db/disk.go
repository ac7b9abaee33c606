package db

import (
	"errors"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"searchd/models"
)

// What a disk can do to a store, in words that say what to do about it.
const (
	diskFull     = "the disk is full: free space on the one that holds the data folder, and try again"
	diskFails    = "the disk that holds the data folder cannot be read or written: look after it, and try again"
	diskReadOnly = "the data folder cannot be written: make it writable for searchd, and try again"
)

// diskRetry is when it may help to try again: somebody has to do something first.
const diskRetry = 10 * time.Second

// primaryCode is the part of SQLite's extended codes that names the class.
const primaryCode = 0xff

// ExplainDisk makes an error of the disk, of SQLite's or of an index's, one that a person can act on. Other errors are left as
// they are.
func ExplainDisk(err error) error {
	var known *models.Error
	message := diskMessage(err)
	if message == "" || errors.As(err, &known) {
		return err
	}
	return &models.Error{Code: models.Unavailable, Message: message, Err: err, RetryAfter: diskRetry}
}

// DiskFailed says that an error is the disk's: what was asked for is right, and can be done when that is well again.
func DiskFailed(err error) bool { return diskMessage(err) != "" }

func diskMessage(err error) string {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & primaryCode {
		case sqlite3.SQLITE_FULL:
			return diskFull
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return diskFails
		case sqlite3.SQLITE_READONLY:
			return diskReadOnly
		}
	}
	for _, known := range []struct {
		errno   syscall.Errno
		message string
	}{{syscall.ENOSPC, diskFull}, {syscall.EDQUOT, diskFull}, {syscall.EFBIG, diskFull}, {syscall.EIO, diskFails}, {syscall.EROFS, diskReadOnly}} {
		if errors.Is(err, known.errno) {
			return known.message
		}
	}
	return ""
}

// readFailed says that a page could not be read, where others can be.
func readFailed(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Code() == sqlite3.SQLITE_IOERR_READ || e.Code() == sqlite3.SQLITE_IOERR_SHORT_READ)
}
