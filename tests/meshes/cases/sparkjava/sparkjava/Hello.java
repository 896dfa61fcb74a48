import static spark.Spark.get;
import static spark.Spark.port;

public class Hello {
    public static void main(String[] args) {
        port(8080);
        get("/", (request, response) -> "Hello from Spark");
    }
}
