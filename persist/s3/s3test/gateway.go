package s3test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// AWSEnvironment returns the variables that make programs for S3 use this server: AWS_ENDPOINT_URL and
// what goes with it. They know no unix sockets, so what is on one is on a port of this machine as well
// until the test ends. Variables that would mean something else are emptied.
func (s *Server) AWSEnvironment(t testing.TB) []string {
	t.Helper()
	endpoint := s.Endpoint
	if strings.HasPrefix(endpoint, "unix://") {
		endpoint = s.listen(t)
	}
	return []string{
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=" + s.Region,
		"AWS_ACCESS_KEY_ID=" + s.Key, "AWS_SECRET_ACCESS_KEY=" + s.Secret,
		"AWS_ENDPOINT_URL_S3=", "AWS_DEFAULT_REGION=", "AWS_SESSION_TOKEN=",
	}
}

// listen passes on what comes to a port, the host included, which signatures cover.
func (s *Server) listen(t testing.TB) (endpoint string) {
	t.Helper()
	gateway := httptest.NewServer(&httputil.ReverseProxy{
		Transport: s.transport,
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL, r.Out.Host = onSocket(r.In.URL), r.In.Host },
	})
	t.Cleanup(gateway.Close)
	return gateway.URL
}

// onSocket returns the URL of a request as the transport wants it.
func onSocket(u *url.URL) *url.URL {
	moved := *u
	moved.Scheme, moved.Host = "http", "s3.test"
	return &moved
}
