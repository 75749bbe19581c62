// hello: an HTTP server with Go's net/http, linked statically (CGO_ENABLED=0), so that no preload
// library could help it.
//
// usage: hello ADDRESS
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello ADDRESS")
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from go\n")
	})
	log.Fatal(http.ListenAndServe(os.Args[1], nil))
}
