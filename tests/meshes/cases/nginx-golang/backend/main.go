package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "Hello from Go, asked for %s", r.URL.Path)
	})
	log.Fatal(http.ListenAndServe(":80", nil))
}
