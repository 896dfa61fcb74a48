import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;

public class Main {
    public static void main(String[] args) throws Exception {
        MongoServer server = new MongoServer(new H2Backend("/data/db/data.mv"));
        server.bind("0.0.0.0", 27017);
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("waiting for connections on port 27017");
        Thread.currentThread().join();
    }
}
