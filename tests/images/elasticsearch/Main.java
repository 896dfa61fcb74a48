import java.util.List;
import java.util.Map;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.transport.Netty4Plugin;

/** A node with the settings that the official image takes from its environment, but for those of what it does not have. */
public class Main extends Node {
    Main(Settings settings) {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "devbox"),
            List.<Class<? extends Plugin>>of(Netty4Plugin.class), false);
    }

    public static void main(String[] args) throws Exception {
        Settings.Builder settings = Settings.builder()
            .put("path.home", "/usr/share/elasticsearch")
            .put("node.name", "devbox")
            .put("network.host", "0.0.0.0");
        System.getenv().forEach((name, value) -> {
            if (name.matches("[a-z_]+(\\.[a-z_]+)+") && !name.startsWith("xpack.")) {
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
