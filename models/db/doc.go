// Package db keeps the records of package models in one SQLite file, through GORM. It is the truth that every index is
// rebuilt from, and the only importer of gorm.
//
// There is one writer connection and a pool of readers (WAL mode), so a search never waits for an ingest. A
// transaction that has returned is on the disk (synchronous=FULL).
package db
