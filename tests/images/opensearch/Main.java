import java.util.List;
import java.util.Map;
import org.opensearch.common.settings.Settings;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** A node with the settings that the official image takes from its environment: those with a dot in their name. */
public class Main extends Node {
    Main(Settings settings) {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "devbox"),
            List.<Class<? extends Plugin>>of(Netty4Plugin.class), false);
    }

    public static void main(String[] args) throws Exception {
        Settings.Builder settings = Settings.builder()
            .put("path.home", "/usr/share/opensearch")
            .put("node.name", "devbox")
            .put("network.host", "0.0.0.0");
        System.getenv().forEach((name, value) -> {
            if (name.matches("[a-z_]+(\\.[a-z_]+)+")) {
                settings.put(name, value);
            }
        });
        Node node = new Main(settings.build()).start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception ignored) {
                // It ends anyway.
            }
        }));
        Thread.currentThread().join();
    }
}
