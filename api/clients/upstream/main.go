package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"searchd/hf/hftest"
)

func main() {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: hftest.NewHandler(hftest.ServerOptions{}), ReadHeaderTimeout: time.Minute}
	log.Fatal(server.Serve(listener))
}
