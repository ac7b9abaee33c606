package remote

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"searchd/hf"
	"searchd/hf/hftest"
)

func TestEndpoints(t *testing.T) {
	for _, test := range []struct {
		kind     Type
		endpoint string
		private  bool
		want     string // the base in use, or
		fault    hf.Fault
	}{
		{kind: HuggingFace, want: "https://router.huggingface.co"},
		{kind: HuggingFace, endpoint: "https://router.huggingface.co/v1/", want: "https://router.huggingface.co"},
		{kind: HuggingFace, endpoint: "https://router.huggingface.co/hf-inference/models", want: "https://router.huggingface.co"},
		{kind: HuggingFace, endpoint: "https://api-inference.huggingface.co/models/", want: "https://router.huggingface.co"},
		{kind: HuggingFace, endpoint: "https://proxy.example/hub", want: "https://proxy.example/hub"},
		{kind: TEI, endpoint: "https://tei.example:8080/embed", want: "https://tei.example:8080"},
		{kind: TGI, endpoint: "http://tgi.example/v1", want: "http://tgi.example"},
		{kind: OpenAI, endpoint: "https://api.openai.com", want: "https://api.openai.com/v1"},
		{kind: OpenAI, endpoint: "https://api.openai.com/v1/chat/completions", want: "https://api.openai.com/v1"},
		{kind: OpenAI, endpoint: "https://x.example/v1beta/openai/", want: "https://x.example/v1beta/openai"},
		{kind: TEI, endpoint: "http://127.0.0.1:3000", private: true, want: "http://127.0.0.1:3000"},

		{kind: TEI, fault: hf.FaultInvalid},
		{kind: "cohere", endpoint: "https://x.example", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "ftp://x.example", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "file:///etc/passwd", private: true, fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "x.example", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "https://", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "https://:8080", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "https://a:b@x.example", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "https://x.example?a=b", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "https://x.example/%zz", fault: hf.FaultInvalid},
		{kind: TEI, endpoint: "http://localhost:3000", fault: hf.FaultForbidden},
		{kind: TEI, endpoint: "http://A.LocalHost.", fault: hf.FaultForbidden},
		{kind: TEI, endpoint: "http://[::1]:3000", fault: hf.FaultForbidden},
		{kind: TEI, endpoint: "http://[::ffff:10.0.0.1]", fault: hf.FaultForbidden},
		{kind: TEI, endpoint: "http://[fe80::1%25eth0]", fault: hf.FaultForbidden},
		{kind: TEI, endpoint: "http://169.254.169.254/latest", fault: hf.FaultForbidden},
	} {
		p, err := New(Options{Type: test.kind, Endpoint: test.endpoint, AllowPrivate: test.private})
		if faultIn(err) != test.fault {
			t.Errorf("%s %q: %v, want %q", test.kind, test.endpoint, err, test.fault)
			continue
		}
		if err == nil && p.Endpoint() != test.want {
			t.Errorf("%s %q: %s, want %s", test.kind, test.endpoint, p.Endpoint(), test.want)
		}
		if moved := strings.Contains(test.endpoint, "api-inference"); err == nil && moved != (len(p.Warnings()) == 1) {
			t.Errorf("%q warns %q", test.endpoint, p.Warnings())
		}
		if test.endpoint != "" && test.kind == TEI {
			if got := faultIn(CheckEndpoint(test.endpoint, test.private)); got != test.fault {
				t.Errorf("CheckEndpoint(%q): %q, want %q", test.endpoint, got, test.fault)
			}
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, allowed := range map[string]bool{
		"8.8.8.8": true, "172.15.0.1": true, "172.32.0.1": true, "100.63.0.1": true, "100.128.0.1": true, "2606:4700::1": true,
		"64:ff9b::808:808": true, "2002:808:808::1": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "0.1.2.3": false, "127.1.2.3": false, "10.255.0.1": false, "172.16.0.1": false, "172.31.255.255": false,
		"192.168.0.1": false, "169.254.0.1": false, "169.254.169.254": false, "100.64.0.1": false, "100.100.100.200": false,
		"168.63.129.16": false, "224.0.0.1": false, "239.1.1.1": false, "255.255.255.255": false, "192.0.0.192": false, "198.18.0.1": false,
		"::": false, "::1": false, "fc00::1": false, "fd00:ec2::254": false, "fe80::1%eth0": false, "fec0::1": false, "ff02::1": false,
		"::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false, "64:ff9b:1::1": false, "2002:a00:1::1": false,
	} {
		err := checkAddr(netip.MustParseAddr(text))
		if (err == nil) != allowed {
			t.Errorf("%s: %v", text, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--allow-private-endpoints") {
			t.Errorf("%s: no remedy in %v", text, err)
		}
	}
}

// TestTheResolvedAddressIsChecked uses a transport as New makes it, for a name that passes New and leads to loopback.
func TestTheResolvedAddressIsChecked(t *testing.T) {
	s := hftest.NewServer(t, hftest.ServerOptions{})
	transport := newTransport(false)
	defer transport.CloseIdleConnections()
	address := strings.TrimPrefix(s.URL, "http://")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} { // localhost is resolved, as any name
		_, err := transport.DialContext(t.Context(), "tcp", net.JoinHostPort(host, port))
		if faultIn(err) != hf.FaultForbidden {
			t.Errorf("%s: %v", host, err)
		}
	}
	p, err := New(Options{Type: HuggingFace, Endpoint: "http://provider.example"})
	if err != nil {
		t.Fatal(err)
	}
	p.base.Host = address // as though the name had come to mean this
	if _, err := p.Do(t.Context(), embedCall); faultIn(err) != hf.FaultForbidden {
		t.Errorf("Do: %v", err)
	}
	if _, err := collect(t.Context(), p, chatCall); faultIn(err) != hf.FaultForbidden {
		t.Errorf("Stream: %v", err)
	}
	if len(s.Requests()) != 0 {
		t.Error("the server was reached")
	}
}

func TestRedirects(t *testing.T) {
	s, p := newPair(t, hftest.ServerOptions{}, func(o *Options) { o.BillTo = "my-org" })
	other := hftest.NewServer(t, hftest.ServerOptions{})
	path := "/hf-inference/models/" + hftest.EmbeddingModel + "/pipeline/feature-extraction"

	s.Next(1, hftest.Redirect(http.StatusTemporaryRedirect, other.URL+path))
	if _, err := p.Do(t.Context(), embedCall); err != nil {
		t.Fatal(err)
	}
	there, here := other.Requests()[0].Header, s.Requests()[0].Header
	if there.Get("Authorization") != "" || there.Get(billToHeader) != "" {
		t.Errorf("the key went to another host: %v", there)
	}
	if here.Get("Authorization") != "Bearer "+testKey || here.Get(billToHeader) != "my-org" {
		t.Errorf("the key did not go to its own host: %v", here)
	}

	s.Next(1, hftest.Redirect(http.StatusPermanentRedirect, path))
	if _, err := p.Do(t.Context(), embedCall); err != nil {
		t.Errorf("on the same host: %v", err)
	}
	s.Next(maxRedirects+1, hftest.Redirect(http.StatusPermanentRedirect, path))
	if _, err := p.Do(t.Context(), embedCall); faultIn(err) != hf.FaultRetired {
		t.Errorf("in a circle: %v", err)
	}
	s.Next(1, hftest.Redirect(http.StatusPermanentRedirect, "ftp://x.example/"))
	if _, err := p.Do(t.Context(), embedCall); faultIn(err) != hf.FaultForbidden {
		t.Errorf("to another protocol: %v", err)
	}
}

func TestRedirectsToPrivateAddressesAndDownwards(t *testing.T) {
	first := httptest.NewRequest(http.MethodPost, "https://provider.example/x", nil)
	for to, fault := range map[string]hf.Fault{
		"https://other.example/": "", "https://127.0.0.1/": hf.FaultForbidden, "https://localhost/": hf.FaultForbidden,
		"https://169.254.169.254/": hf.FaultForbidden, "http://other.example/": hf.FaultForbidden,
	} {
		next := httptest.NewRequest(http.MethodPost, to, nil)
		next.Header.Set("Authorization", "Bearer x")
		err := checkRedirect(next, []*http.Request{first}, false)
		if faultIn(err) != fault {
			t.Errorf("%s: %v", to, err)
		}
		if err == nil && next.Header.Get("Authorization") != "" {
			t.Errorf("%s gets the key", to)
		}
	}
	get := httptest.NewRequest(http.MethodGet, "https://provider.example/y", nil)
	if err := checkRedirect(get, []*http.Request{first}, false); !errors.Is(err, http.ErrUseLastResponse) {
		t.Errorf("POST into GET: %v", err)
	}
}
