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

	_ "github.com/go-sql-driver/mysql"
	"github.com/gorilla/mux"
)

func open() (*sql.DB, error) {
	password, err := os.ReadFile("/run/secrets/db-password")
	if err != nil {
		return nil, err
	}
	return sql.Open("mysql", fmt.Sprintf("root:%s@tcp(db:3306)/example", strings.TrimSpace(string(password))))
}

func prepare(db *sql.DB) error {
	if _, err := db.Exec("CREATE TABLE IF NOT EXISTS blog (id INT PRIMARY KEY, title TEXT)"); err != nil {
		return err
	}
	for n := 0; n < 5; n++ {
		if _, err := db.Exec("REPLACE INTO blog VALUES (?, ?)", n, fmt.Sprintf("Blog post #%d", n)); err != nil {
			return err
		}
	}
	return nil
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
