package main

import (
	"fmt"
	"log"
	"net/http"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "Hello from Go, behind a proxy that found it by its labels")
	})
	log.Fatal(http.ListenAndServe(":80", nil))
}
