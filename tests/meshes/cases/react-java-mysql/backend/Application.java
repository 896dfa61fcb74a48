package mesh;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class Application {
    private final JdbcTemplate database;

    Application(JdbcTemplate database) {
        this.database = database;
        database.execute("CREATE TABLE IF NOT EXISTS greetings (id INT PRIMARY KEY, name TEXT)");
        database.update("REPLACE INTO greetings VALUES (1, 'Docker')");
    }

    public static void main(String[] args) throws Exception {
        SpringApplication application = new SpringApplication(Application.class);
        application.setDefaultProperties(Map.of(
            "spring.datasource.url", "jdbc:mariadb://" + System.getenv("MYSQL_HOST") + ":3306/example",
            "spring.datasource.username", "root",
            "spring.datasource.password", Files.readString(Path.of("/run/secrets/db-password")).trim()));
        application.run(args);
    }

    @GetMapping("/api")
    Map<String, Object> greeting() {
        return database.queryForMap("SELECT id, name FROM greetings WHERE id = 1");
    }
}
