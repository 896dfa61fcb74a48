import static spark.Spark.get;
import static spark.Spark.port;

import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;

/** Titles of a blog, from the database that a secret opens. */
public class Blog {
    public static void main(String[] args) {
        port(8080);
        get("/", (request, response) -> {
            try (Connection database = open()) {
                ResultSet rows = database.createStatement().executeQuery("SELECT title FROM blog ORDER BY id");
                StringBuilder page = new StringBuilder();
                while (rows.next()) {
                    page.append(rows.getString(1)).append("\n");
                }
                return page;
            } catch (java.sql.SQLException notYet) {
                response.status(503);
                return notYet.toString();
            }
        });
    }

    static Connection open() throws Exception {
        String password = Files.readString(Path.of("/run/secrets/db-password")).trim();
        Connection database = DriverManager.getConnection("jdbc:mariadb://db:3306/example", "root", password);
        database.createStatement().execute("CREATE TABLE IF NOT EXISTS blog (id INT PRIMARY KEY, title VARCHAR(80))");
        for (int n = 1; n < 5; n++) {
            database.createStatement().execute("REPLACE INTO blog VALUES (" + n + ", 'Blog post #" + n + "')");
        }
        return database;
    }
}
