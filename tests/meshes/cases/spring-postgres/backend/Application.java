package mesh;

import java.util.List;
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
    }

    public static void main(String[] args) {
        SpringApplication application = new SpringApplication(Application.class);
        application.setDefaultProperties(Map.of(
            "spring.datasource.url", "jdbc:postgresql://db:5432/" + System.getenv("POSTGRES_DB"),
            "spring.datasource.username", "postgres",
            "spring.datasource.password", "mysecretpassword"));
        application.run(args);
    }

    @GetMapping("/")
    List<String> greetings() {
        database.execute("CREATE TABLE IF NOT EXISTS greetings (id SERIAL PRIMARY KEY, name TEXT)");
        database.update("INSERT INTO greetings (name) VALUES ('Docker')");
        return database.queryForList("SELECT 'Hello from ' || name || ' ' || id FROM greetings ORDER BY id", String.class);
    }
}
