package remote

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"searchd/hf"
)

const (
	routerEndpoint = "https://router.huggingface.co"
	retiredHost    = "api-inference.huggingface.co"
	maxRedirects   = 5
)

// endpoint is the base address of a provider, checked, and what people should know of it.
func endpoint(o Options) (*url.URL, []string, error) {
	var warnings []string
	text := strings.TrimSpace(o.Endpoint)
	switch o.Type {
	case HuggingFace, TEI, TGI, OpenAI:
	default:
		return nil, nil, invalid("type: %.40q is none of huggingface, tei, tgi, openai", string(o.Type))
	}
	if text == "" && o.Type == HuggingFace {
		text = routerEndpoint
	}
	if text == "" {
		return nil, nil, invalid("a provider of the type %s needs an endpoint, such as http://host:port", o.Type)
	}
	u, err := parseEndpoint(text)
	if err != nil {
		return nil, nil, err
	}
	if strings.EqualFold(u.Hostname(), retiredHost) {
		u, _ = url.Parse(routerEndpoint)
		warnings = append(warnings, fmt.Sprintf("%s is retired and answers nothing; %s is used in its place", retiredHost, routerEndpoint))
	}
	if err := checkHost(u, o.AllowPrivate); err != nil {
		return nil, nil, err
	}
	u.Path = basePath(o.Type, u.Path)
	return u, warnings, nil
}

// CheckEndpoint says what is wrong with an endpoint, without connecting to it. Its error is an *hf.CallError.
func CheckEndpoint(text string, allowPrivate bool) error {
	u, err := parseEndpoint(strings.TrimSpace(text))
	if err != nil {
		return err
	}
	return checkHost(u, allowPrivate)
}

// parseEndpoint never repeats the text: it may hold a password.
func parseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, invalid("the endpoint is not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, invalid("the endpoint must begin with https:// or http://")
	case u.User != nil:
		return nil, invalid("the endpoint must not hold a name or password; give the key as the key")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, invalid("the endpoint must not have a query or a fragment")
	case u.Hostname() == "":
		return nil, invalid("the endpoint names no host")
	}
	return u, nil
}

// basePath takes off what the routes put on again, so that the addresses that people copy from manuals all work.
func basePath(t Type, path string) string {
	path = strings.TrimRight(path, "/")
	var endings []string
	switch t {
	case HuggingFace:
		endings = []string{"/v1", "/models", "/hf-inference"}
	case TEI:
		endings = []string{"/embed", "/predict"}
	case TGI:
		endings = []string{"/v1", "/generate"}
	case OpenAI:
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/chat/completions"), "/embeddings")
		if path == "" {
			return "/v1"
		}
	}
	for _, ending := range endings {
		path = strings.TrimSuffix(path, ending)
	}
	return path
}

// checkHost judges what can be judged without resolving names. Names are judged again as they resolve.
func checkHost(u *url.URL, allowPrivate bool) error {
	if allowPrivate {
		return nil
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return forbidden(host, "loopback")
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return checkAddr(addr)
	}
	return nil
}

// ranges are the addresses that are not on the public Internet, the nearest name first.
var ranges = []struct{ prefix, name string }{
	{"169.254.169.254/32", "cloud metadata"},
	{"fd00:ec2::254/128", "cloud metadata"},
	{"100.100.100.200/32", "cloud metadata"},
	{"168.63.129.16/32", "cloud metadata"},
	{"0.0.0.0/8", "unspecified"}, {"::/128", "unspecified"},
	{"127.0.0.0/8", "loopback"}, {"::1/128", "loopback"},
	{"10.0.0.0/8", "private"}, {"172.16.0.0/12", "private"}, {"192.168.0.0/16", "private"}, {"fc00::/7", "private"},
	{"192.0.0.0/24", "private"}, {"198.18.0.0/15", "private"}, {"64:ff9b:1::/48", "private"}, {"fec0::/10", "private"},
	{"100.64.0.0/10", "carrier-grade NAT"},
	{"169.254.0.0/16", "link-local"}, {"fe80::/10", "link-local"},
	{"224.0.0.0/4", "multicast"}, {"ff00::/8", "multicast"},
	{"240.0.0.0/4", "reserved"},
}

// checkAddr forbids what is not on the public Internet, in whatever form it is written.
func checkAddr(addr netip.Addr) error {
	plain := innermost(addr.WithZone("").Unmap())
	for _, r := range ranges {
		if netip.MustParsePrefix(r.prefix).Contains(plain) {
			return forbidden(addr.String(), r.name)
		}
	}
	return nil
}

// innermost is the IPv4 address that a NAT64 or 6to4 address leads to; other addresses are themselves.
func innermost(addr netip.Addr) netip.Addr {
	b := addr.As16()
	switch {
	case netip.MustParsePrefix("64:ff9b::/96").Contains(addr):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case netip.MustParsePrefix("2002::/16").Contains(addr):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return addr
}

func forbidden(host, kind string) error {
	return &hf.CallError{Fault: hf.FaultForbidden, Message: fmt.Sprintf(
		"%s is a %s address, which is not allowed; start searchd with --allow-private-endpoints to allow it", host, kind)}
}

func invalid(format string, args ...any) error {
	return &hf.CallError{Fault: hf.FaultInvalid, Message: fmt.Sprintf(format, args...)}
}

// newClient connects only to addresses that are allowed, and keeps the key from other hosts.
func newClient(o Options) *http.Client {
	client := &http.Client{}
	if o.Client != nil {
		*client = *o.Client
	} else {
		client.Transport = newTransport(o.AllowPrivate)
	}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error { return checkRedirect(req, via, o.AllowPrivate) }
	return client
}

// newTransport uses no proxy: a proxy resolves names itself, and the check of the resolved address would be for nothing.
func newTransport(allowPrivate bool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("address of the endpoint: %w", err)
			}
			return checkAddr(ap.Addr())
		}
	}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 32, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
	}
}

// checkRedirect follows a redirect that keeps the request as it is. One that would turn a POST into a GET is answered to
// the caller as it stands.
func checkRedirect(req *http.Request, via []*http.Request, allowPrivate bool) error {
	first := via[0]
	if req.Method != first.Method || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	if err := checkScheme(req.URL, first.URL); err != nil {
		return err
	}
	if err := checkHost(req.URL, allowPrivate); err != nil {
		return err
	}
	if req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host) {
		req.Header.Del("Authorization")
		req.Header.Del(billToHeader)
	}
	return nil
}

// checkScheme forbids a redirect to another protocol, and from https to http: the texts would travel in the open.
func checkScheme(to, from *url.URL) error {
	if to.Scheme == "https" || to.Scheme == "http" && from.Scheme == "http" {
		return nil
	}
	return &hf.CallError{Fault: hf.FaultForbidden, Message: "the endpoint redirects from " + from.Scheme + " to " + shorten(to.Scheme, 20) + ", which is not allowed"}
}

// withoutSecrets is a URL's scheme, host and path, for people.
func withoutSecrets(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "(not a URL)"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
