// Titles of a blog, from the database that a secret opens.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strings"

	"github.com/gorilla/mux"
	_ "github.com/lib/pq"
)

func open() (*sql.DB, error) {
	password, err := os.ReadFile("/run/secrets/db-password")
	if err != nil {
		return nil, err
	}
	return sql.Open("postgres", fmt.Sprintf(
		"postgres://postgres:%s@db:5432/example?sslmode=disable", strings.TrimSpace(string(password))))
}

func prepare(db *sql.DB) error {
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS blog (id INT PRIMARY KEY, title TEXT)"); err != nil {
		return err
	}
	_, err := db.Exec(`INSERT INTO blog SELECT n, 'Blog post #' || n FROM generate_series(0, 4) AS n
		ON CONFLICT DO NOTHING`)
	return err
}

func main() {
	db, err := open()
	if err == nil {
		err = prepare(db)
	}
	if err != nil {
		log.Fatal(err)
	}
	router := mux.NewRouter()
	router.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		rows, err := db.Query("SELECT title FROM blog ORDER BY id")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		var titles []string
		for rows.Next() {
			var title string
			if err := rows.Scan(&title); err == nil {
				titles = append(titles, title)
			}
		}
		json.NewEncoder(w).Encode(titles)
	})
	log.Println("listening on 8000")
	log.Fatal(http.ListenAndServe(":8000", router))
}
