package hub

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say where the hub and the cache are. The zero value is the public hub, without a token, and the user's cache.
type Options struct {
	Endpoint string // base URL; default: https://huggingface.co
	Token    string // sent to Endpoint only
	Cache    Cache  // default: hub in the user's cache folder for huggingface
	Offline  bool   // do not ask the hub for anything
	MaxBytes int64  // largest model that is pulled; default: 8 GiB

	Client *http.Client  // default: one with sensible timeouts
	Pause  time.Duration // before the first retry; it doubles from one to the next. Default: 1 s
	Idle   time.Duration // longest silence of a connection; default: 30 s
}

const (
	publicHub       = "https://huggingface.co"
	defaultMaxBytes = 8 << 30
)

// Hub pulls models. It is safe for concurrent use, also by several processes on one cache.
type Hub struct {
	Options
}

// New answers a Hub. It opens nothing yet.
func New(o Options) *Hub {
	o.Endpoint = strings.TrimRight(defaultTo(o.Endpoint, publicHub), "/")
	o.Cache = defaultTo(o.Cache, defaultCache(os.Getenv))
	o.MaxBytes = defaultTo(max(0, o.MaxBytes), defaultMaxBytes)
	o.Pause = defaultTo(max(0, o.Pause), time.Second)
	o.Idle = defaultTo(max(0, o.Idle), 30*time.Second)
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // see follow
	o.Client = &client
	return &Hub{Options: o}
}

func defaultTo[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Environment reads the variables that huggingface_hub reads, through getenv: HF_ENDPOINT, HF_HUB_OFFLINE, HF_TOKEN,
// HF_HUB_CACHE, HF_HOME. Where no variable has a token, the one that `hf auth login` kept is taken.
func Environment(getenv func(string) string) Options {
	return Options{
		Endpoint: getenv("HF_ENDPOINT"),
		Token:    token(getenv),
		Cache:    defaultCache(getenv),
		Offline:  isTrue(getenv("HF_HUB_OFFLINE")),
	}
}

func isTrue(s string) bool {
	switch strings.ToUpper(s) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

func token(getenv func(string) string) string {
	for _, name := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if t := strings.TrimSpace(getenv(name)); t != "" {
			return t
		}
	}
	kept, err := os.ReadFile(defaultTo(getenv("HF_TOKEN_PATH"), filepath.Join(home(getenv), "token")))
	if err != nil || isTrue(getenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")) {
		return "" // nobody has logged in, or the token is not for this
	}
	return strings.TrimSpace(string(kept))
}

// defaultCache is where huggingface_hub keeps what it downloads.
func defaultCache(getenv func(string) string) Cache {
	for _, name := range []string{"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"} {
		if dir := getenv(name); dir != "" {
			return Cache(dir)
		}
	}
	return Cache(filepath.Join(home(getenv), "hub"))
}

// home is the folder of everything Hugging Face. Without a home directory it lies in the working directory.
func home(getenv func(string) string) string {
	if dir := getenv("HF_HOME"); dir != "" {
		return dir
	}
	if dir := getenv("XDG_CACHE_HOME"); dir != "" {
		return filepath.Join(dir, "huggingface")
	}
	user, err := os.UserHomeDir()
	if err != nil {
		user = "."
	}
	return filepath.Join(user, ".cache", "huggingface")
}
