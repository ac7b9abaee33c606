// Command searchd is a semantic search service in one binary: see README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the Makefile.
var version = "dev"

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// cli is the command line: a subcommand a field, each in its own file.
type cli struct {
	Config    kong.ConfigFlag `help:"YAML file with settings; flags and SEARCHD_* variables go before it." placeholder:"FILE" type:"path" group:"Settings of every command:"`
	Data      string          `help:"Folder that holds everything." default:"./data" type:"path" group:"Settings of every command:"`
	Server    string          `help:"Work on a running server instead of the data folder." placeholder:"URL" group:"Settings of every command:"`
	Log       string          `help:"How much to log: debug, info, warn or error." default:"${log}" enum:"debug,info,warn,error" group:"Settings of every command:"`
	Models    modelFlags      `embed:"" group:"Settings of models and providers, where no server is named:"`
	Providers providerFlags   `embed:"" group:"Settings of models and providers, where no server is named:"`

	Serve    serveCommand    `cmd:"" help:"Answer HTTP requests and show the page."`
	Add      addCommand      `cmd:"" help:"Add files, folders or standard input."`
	Sync     syncCommand     `cmd:"" help:"Keep a collection as a folder is: what is added, changed, renamed and deleted there."`
	Search   searchCommand   `cmd:"" help:"Find documents by meaning."`
	Delete   deleteCommand   `cmd:"" help:"Delete documents by id or by filter."`
	Reembed  reembedCommand  `cmd:"" help:"Have another model read the documents of a collection, while they are searched."`
	Eval     evalCommand     `cmd:"" help:"Measure search quality on a judged set."`
	Sample   sampleCommand   `cmd:"" help:"Load or remove the sample corpus."`
	Model    modelCommand    `cmd:"" help:"Pull, list, show, convert and remove models."`
	Provider providerCommand `cmd:"" help:"Keep, test, list and remove providers of models."`
	Backup   backupCommand   `cmd:"" help:"Write a copy of everything into one file, while the server works."`
	Restore  restoreCommand  `cmd:"" help:"Make a data folder of a backup."`
	Check    checkCommand    `cmd:"" help:"Verify what is stored and the indexes, and repair them; or measure an index."`
	Doctor   doctorCommand   `cmd:"" help:"Check this machine, the settings and the data folder."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
}

// terminal is where a command prints: what was asked for on out, the rest on err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], terminal{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}

// run is main without the process: it parses args, runs the command and answers the exit code.
func run(ctx context.Context, args []string, t terminal) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("searchd"),
		kong.Description("Search your documents by meaning: one binary, no token, no download, no other process."),
		kong.DefaultEnvars("SEARCHD"),
		kong.Configuration(loadSettings),
		kong.Vars{"log": defaultLog(args)},
		kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { exit = code }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		complain(t, err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 { // --help has been answered
		return exit
	}
	if err != nil {
		complain(t, err)
		_, _ = fmt.Fprintln(t.err, "searchd --help shows the commands and their flags.")
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&c, t); err != nil {
		complain(t, err)
		if errors.As(err, new(usageError)) {
			return exitUsage
		}
		return exitFailed
	}
	return exitDone
}

// complain prints an error. Where standard error is closed, nobody is there to be told.
func complain(t terminal, err error) { _, _ = fmt.Fprintln(t.err, "searchd:", err) }

// usageError is a mistake in how a command was called.
type usageError string

func (e usageError) Error() string { return string(e) }

// defaultLog keeps commands quiet, and lets a server say what it does.
func defaultLog(args []string) string {
	for _, arg := range args {
		if arg == "serve" {
			return "info"
		}
	}
	return "warn"
}
