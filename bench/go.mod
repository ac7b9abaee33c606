module searchd/bench

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	searchd v0.0.0
)

require (
	github.com/go-json-experiment/json v1.27.2 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace searchd => ../
