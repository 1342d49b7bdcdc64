// java Landmarks.java URL MEDIA_TYPE FILE: one call by the JDK's own client, nothing set.
// It offers HTTP/2 on every http:// call; prints the status and the answer.

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;

public class Landmarks {
    public static void main(String[] given) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest request =
            HttpRequest.newBuilder(URI.create(given[0]))
                .header("Content-Type", given[1])
                .POST(BodyPublishers.ofFile(Path.of(given[2])))
                .build();
        for (int i = 0; i < 3; i++) { // the later ones on the connection of the first
            HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.body());
        }
    }
}
